using System;

namespace Interpose.Abi;

/// <summary>Errors by name and in words.</summary>
public static class ErrnoText
{
    /// <summary>The name with what it means: <c>EPERM (Operation not permitted)</c>.</summary>
    public static string Describe(this Errno errno) => Text(errno) ?? errno.ToString();

    /// <summary>The name: <c>EPERM</c>.</summary>
    public static string Name(this Errno errno) =>
        Text(errno) is { } text ? NameIn(text).ToString() : errno.ToString();

    /// <summary>Finds an error by its name; numbers and unknown names are refused.</summary>
    public static bool TryParse(string name, out Errno errno)
    {
        // The enum itself finds names by reflection, which is slow the first time.
        for (errno = Errno.EPERM; errno <= Errno.EHWPOISON; errno++)
        {
            if (Text(errno) is { } text && NameIn(text).SequenceEqual(name))
            {
                return true;
            }
        }

        errno = Errno.None;
        return name.StartsWith('E') && Enum.TryParse(name, out errno);
    }

    private static ReadOnlySpan<char> NameIn(string text) => text.AsSpan(0, text.IndexOf(' '));

    private static string? Text(Errno errno) => errno switch
    {
        Errno.EPERM => "EPERM (Operation not permitted)",
        Errno.ENOENT => "ENOENT (No such file or directory)",
        Errno.ESRCH => "ESRCH (No such process)",
        Errno.EINTR => "EINTR (Interrupted system call)",
        Errno.EIO => "EIO (I/O error)",
        Errno.ENXIO => "ENXIO (No such device or address)",
        Errno.E2BIG => "E2BIG (Argument list too long)",
        Errno.ENOEXEC => "ENOEXEC (Exec format error)",
        Errno.EBADF => "EBADF (Bad file number)",
        Errno.ECHILD => "ECHILD (No child processes)",
        Errno.EAGAIN => "EAGAIN (Try again)",
        Errno.ENOMEM => "ENOMEM (Out of memory)",
        Errno.EACCES => "EACCES (Permission denied)",
        Errno.EFAULT => "EFAULT (Bad address)",
        Errno.ENOTBLK => "ENOTBLK (Block device required)",
        Errno.EBUSY => "EBUSY (Device or resource busy)",
        Errno.EEXIST => "EEXIST (File exists)",
        Errno.EXDEV => "EXDEV (Cross-device link)",
        Errno.ENODEV => "ENODEV (No such device)",
        Errno.ENOTDIR => "ENOTDIR (Not a directory)",
        Errno.EISDIR => "EISDIR (Is a directory)",
        Errno.EINVAL => "EINVAL (Invalid argument)",
        Errno.ENFILE => "ENFILE (File table overflow)",
        Errno.EMFILE => "EMFILE (Too many open files)",
        Errno.ENOTTY => "ENOTTY (Not a typewriter)",
        Errno.ETXTBSY => "ETXTBSY (Text file busy)",
        Errno.EFBIG => "EFBIG (File too large)",
        Errno.ENOSPC => "ENOSPC (No space left on device)",
        Errno.ESPIPE => "ESPIPE (Illegal seek)",
        Errno.EROFS => "EROFS (Read-only file system)",
        Errno.EMLINK => "EMLINK (Too many links)",
        Errno.EPIPE => "EPIPE (Broken pipe)",
        Errno.EDOM => "EDOM (Math argument out of domain of func)",
        Errno.ERANGE => "ERANGE (Math result not representable)",
        Errno.EDEADLK => "EDEADLK (Resource deadlock would occur)",
        Errno.ENAMETOOLONG => "ENAMETOOLONG (File name too long)",
        Errno.ENOLCK => "ENOLCK (No record locks available)",
        Errno.ENOSYS => "ENOSYS (Invalid system call number)",
        Errno.ENOTEMPTY => "ENOTEMPTY (Directory not empty)",
        Errno.ELOOP => "ELOOP (Too many symbolic links encountered)",
        Errno.ENOMSG => "ENOMSG (No message of desired type)",
        Errno.EIDRM => "EIDRM (Identifier removed)",
        Errno.ECHRNG => "ECHRNG (Channel number out of range)",
        Errno.EL2NSYNC => "EL2NSYNC (Level 2 not synchronized)",
        Errno.EL3HLT => "EL3HLT (Level 3 halted)",
        Errno.EL3RST => "EL3RST (Level 3 reset)",
        Errno.ELNRNG => "ELNRNG (Link number out of range)",
        Errno.EUNATCH => "EUNATCH (Protocol driver not attached)",
        Errno.ENOCSI => "ENOCSI (No CSI structure available)",
        Errno.EL2HLT => "EL2HLT (Level 2 halted)",
        Errno.EBADE => "EBADE (Invalid exchange)",
        Errno.EBADR => "EBADR (Invalid request descriptor)",
        Errno.EXFULL => "EXFULL (Exchange full)",
        Errno.ENOANO => "ENOANO (No anode)",
        Errno.EBADRQC => "EBADRQC (Invalid request code)",
        Errno.EBADSLT => "EBADSLT (Invalid slot)",
        Errno.EBFONT => "EBFONT (Bad font file format)",
        Errno.ENOSTR => "ENOSTR (Device not a stream)",
        Errno.ENODATA => "ENODATA (No data available)",
        Errno.ETIME => "ETIME (Timer expired)",
        Errno.ENOSR => "ENOSR (Out of streams resources)",
        Errno.ENONET => "ENONET (Machine is not on the network)",
        Errno.ENOPKG => "ENOPKG (Package not installed)",
        Errno.EREMOTE => "EREMOTE (Object is remote)",
        Errno.ENOLINK => "ENOLINK (Link has been severed)",
        Errno.EADV => "EADV (Advertise error)",
        Errno.ESRMNT => "ESRMNT (Srmount error)",
        Errno.ECOMM => "ECOMM (Communication error on send)",
        Errno.EPROTO => "EPROTO (Protocol error)",
        Errno.EMULTIHOP => "EMULTIHOP (Multihop attempted)",
        Errno.EDOTDOT => "EDOTDOT (RFS specific error)",
        Errno.EBADMSG => "EBADMSG (Not a data message)",
        Errno.EOVERFLOW => "EOVERFLOW (Value too large for defined data type)",
        Errno.ENOTUNIQ => "ENOTUNIQ (Name not unique on network)",
        Errno.EBADFD => "EBADFD (File descriptor in bad state)",
        Errno.EREMCHG => "EREMCHG (Remote address changed)",
        Errno.ELIBACC => "ELIBACC (Can not access a needed shared library)",
        Errno.ELIBBAD => "ELIBBAD (Accessing a corrupted shared library)",
        Errno.ELIBSCN => "ELIBSCN (.lib section in a.out corrupted)",
        Errno.ELIBMAX => "ELIBMAX (Attempting to link in too many shared libraries)",
        Errno.ELIBEXEC => "ELIBEXEC (Cannot exec a shared library directly)",
        Errno.EILSEQ => "EILSEQ (Illegal byte sequence)",
        Errno.ERESTART => "ERESTART (Interrupted system call should be restarted)",
        Errno.ESTRPIPE => "ESTRPIPE (Streams pipe error)",
        Errno.EUSERS => "EUSERS (Too many users)",
        Errno.ENOTSOCK => "ENOTSOCK (Socket operation on non-socket)",
        Errno.EDESTADDRREQ => "EDESTADDRREQ (Destination address required)",
        Errno.EMSGSIZE => "EMSGSIZE (Message too long)",
        Errno.EPROTOTYPE => "EPROTOTYPE (Protocol wrong type for socket)",
        Errno.ENOPROTOOPT => "ENOPROTOOPT (Protocol not available)",
        Errno.EPROTONOSUPPORT => "EPROTONOSUPPORT (Protocol not supported)",
        Errno.ESOCKTNOSUPPORT => "ESOCKTNOSUPPORT (Socket type not supported)",
        Errno.EOPNOTSUPP => "EOPNOTSUPP (Operation not supported on transport endpoint)",
        Errno.EPFNOSUPPORT => "EPFNOSUPPORT (Protocol family not supported)",
        Errno.EAFNOSUPPORT => "EAFNOSUPPORT (Address family not supported by protocol)",
        Errno.EADDRINUSE => "EADDRINUSE (Address already in use)",
        Errno.EADDRNOTAVAIL => "EADDRNOTAVAIL (Cannot assign requested address)",
        Errno.ENETDOWN => "ENETDOWN (Network is down)",
        Errno.ENETUNREACH => "ENETUNREACH (Network is unreachable)",
        Errno.ENETRESET => "ENETRESET (Network dropped connection because of reset)",
        Errno.ECONNABORTED => "ECONNABORTED (Software caused connection abort)",
        Errno.ECONNRESET => "ECONNRESET (Connection reset by peer)",
        Errno.ENOBUFS => "ENOBUFS (No buffer space available)",
        Errno.EISCONN => "EISCONN (Transport endpoint is already connected)",
        Errno.ENOTCONN => "ENOTCONN (Transport endpoint is not connected)",
        Errno.ESHUTDOWN => "ESHUTDOWN (Cannot send after transport endpoint shutdown)",
        Errno.ETOOMANYREFS => "ETOOMANYREFS (Too many references: cannot splice)",
        Errno.ETIMEDOUT => "ETIMEDOUT (Connection timed out)",
        Errno.ECONNREFUSED => "ECONNREFUSED (Connection refused)",
        Errno.EHOSTDOWN => "EHOSTDOWN (Host is down)",
        Errno.EHOSTUNREACH => "EHOSTUNREACH (No route to host)",
        Errno.EALREADY => "EALREADY (Operation already in progress)",
        Errno.EINPROGRESS => "EINPROGRESS (Operation now in progress)",
        Errno.ESTALE => "ESTALE (Stale file handle)",
        Errno.EUCLEAN => "EUCLEAN (Structure needs cleaning)",
        Errno.ENOTNAM => "ENOTNAM (Not a XENIX named type file)",
        Errno.ENAVAIL => "ENAVAIL (No XENIX semaphores available)",
        Errno.EISNAM => "EISNAM (Is a named type file)",
        Errno.EREMOTEIO => "EREMOTEIO (Remote I/O error)",
        Errno.EDQUOT => "EDQUOT (Quota exceeded)",
        Errno.ENOMEDIUM => "ENOMEDIUM (No medium found)",
        Errno.EMEDIUMTYPE => "EMEDIUMTYPE (Wrong medium type)",
        Errno.ECANCELED => "ECANCELED (Operation Canceled)",
        Errno.ENOKEY => "ENOKEY (Required key not available)",
        Errno.EKEYEXPIRED => "EKEYEXPIRED (Key has expired)",
        Errno.EKEYREVOKED => "EKEYREVOKED (Key has been revoked)",
        Errno.EKEYREJECTED => "EKEYREJECTED (Key was rejected by service)",
        Errno.EOWNERDEAD => "EOWNERDEAD (Owner died)",
        Errno.ENOTRECOVERABLE => "ENOTRECOVERABLE (State not recoverable)",
        Errno.ERFKILL => "ERFKILL (Operation not possible due to RF-kill)",
        Errno.EHWPOISON => "EHWPOISON (Memory page has hardware error)",
        _ => null,
    };
}
