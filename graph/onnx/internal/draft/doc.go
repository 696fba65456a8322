// Package draft puts files under their names whole or not at all.
//
// Vocabulary. A draft is a file of a name of its own in the folder of what it
// is to become. To commit it is to give it its name in place of the draft's;
// what was there before is replaced at once, and both the file and the folder
// are on the disk when Commit returns. To publish it is to give it a further
// name beside the draft's, for a file that must be there before something that
// refers to it is committed. While both names exist, nothing may refer to the
// file yet.
//
// Killed runs. A draft is locked (flock, shared) for as long as the process
// that made it lives. Sweep removes drafts that nobody holds, and what they
// were published as, unless something refers to it. A draft's name tells the
// machine it was made on and has a check sum, so that no file that merely looks
// like one is taken for one; it must also be a regular file of this user.
// Where locks tell nothing — another machine's drafts, file systems and
// systems without locks — it must be a day old too. On a file system without
// links, what a killed run published stays.
//
// Together. LockFolder keeps two processes from replacing the same file at once,
// where each looks first at what it replaces.
//
// Invariants:
//
//  1. Files are removed only under an exclusive lock, and only if they still
//     have the name. So a draft that is made or adopted while another process
//     sweeps is either swept before its maker looks, who then makes another, or
//     not at all.
//  2. A file that was published is removed only if it has no further links.
//
// Not fcntl locks: a process loses them when it closes any descriptor of the
// file. Not files without names (O_TMPFILE): they cannot replace a file.
package draft
