using System;
using System.Collections.Generic;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Launch;

/// <summary>Finds the file that a command names, as a shell does: exec(3).</summary>
public static class CommandLookup
{
    private static ReadOnlySpan<byte> PathPrefix => "PATH="u8;

    private static ReadOnlySpan<byte> DefaultPath => "/bin:/usr/bin"u8;

    /// <summary>Finds a command.</summary>
    /// <param name="command">A name, looked for along PATH, or a path when it has a slash.</param>
    /// <param name="environment">The guest's environment, whose PATH counts.</param>
    /// <param name="directory">The directory that it starts in; AT_FDCWD for ours.</param>
    /// <param name="path">Where it is.</param>
    /// <returns>
    /// None; ENOENT when there is none; EACCES when there is one that may not run.
    /// </returns>
    public static Errno Find(
        byte[] command, IReadOnlyList<byte[]> environment, int directory, out byte[] path)
    {
        path = command;
        if (command.Length == 0)
        {
            return Errno.ENOENT;
        }

        if (command.AsSpan().Contains((byte)'/'))
        {
            return Runnable(directory, command);
        }

        Errno best = Errno.ENOENT;
        ReadOnlySpan<byte> search = SearchPath(environment);
        foreach (Range part in search.Split((byte)':'))
        {
            byte[] candidate = Join(search[part], command);
            Errno errno = Runnable(directory, candidate);
            if (errno == Errno.None)
            {
                path = candidate;
                return Errno.None;
            }

            best = errno == Errno.EACCES ? Errno.EACCES : best;
        }

        return best;
    }

    private static ReadOnlySpan<byte> SearchPath(IReadOnlyList<byte[]> environment)
    {
        foreach (byte[] variable in environment)
        {
            if (variable.AsSpan().StartsWith(PathPrefix))
            {
                return variable.AsSpan(PathPrefix.Length);
            }
        }

        return DefaultPath;
    }

    private static byte[] Join(ReadOnlySpan<byte> directory, byte[] name) =>
        directory.IsEmpty ? [.. "./"u8, .. name] : [.. directory, (byte)'/', .. name];

    /// <summary>EACCES says that there is a file, but not one that may run.</summary>
    private static Errno Runnable(int directory, byte[] path)
    {
        byte[] name = [.. path, 0];
        if (FileCalls.OpenAt(directory, name, O_PATH | O_DIRECTORY, 0, out int fd) == Errno.None)
        {
            Posix.Close(fd);
            return Errno.EACCES;
        }

        Errno errno = Posix.Access(directory, name, X_OK);
        if (errno == Errno.EACCES
            && FileCalls.OpenAt(directory, name, O_PATH, 0, out fd) is Errno.None)
        {
            Posix.Close(fd);
            return Errno.EACCES;
        }

        // A directory that may not be searched holds nothing for this user.
        return errno == Errno.EACCES ? Errno.ENOENT : errno;
    }
}
