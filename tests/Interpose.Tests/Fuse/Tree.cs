using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Interpose.Tests.Fuse;

/// <summary>All that is below a directory, as text: two trees are alike or not.</summary>
internal sealed record Tree(string Text)
{
    /// <summary>Reads one.</summary>
    /// <param name="root">Its directory.</param>
    /// <param name="owners">Whether owners and times of files count.</param>
    public static Tree Of(string root, bool owners = false)
    {
        var lines = new List<string>();
        Add(root, "", owners, lines);
        return new(string.Join('\n', lines));
    }

    public override string ToString() => Text;

    private static void Add(string path, string name, bool owners, List<string> lines)
    {
        Assert.Equal(Errno.None, Sys.Stat(path, out statx found));
        int type = found.stx_mode & S_IFMT;
        string line = $"{name} {Convert.ToString(found.stx_mode, 8)}";
        line += type == S_IFDIR ? "" : $" links={found.stx_nlink} size={found.stx_size}";
        line += type == S_IFREG ? " " + Content(path)
            : type == S_IFLNK ? " -> " + new FileInfo(path).LinkTarget : "";
        line += type is S_IFREG or S_IFDIR ? " " + string.Join(
            ',', Sys.ListAttributes(path).Where(a => !a.StartsWith("user.overlay.", StringComparison.Ordinal))
                .Select(a => $"{a}={Sys.GetAttribute(path, a, out _)}")) : "";
        line += owners ? $" {found.stx_uid}:{found.stx_gid}" : "";
        line += owners && type == S_IFREG ? $" {found.stx_mtime.tv_sec}.{found.stx_mtime.tv_nsec}" : "";
        lines.Add(line);
        if (type == S_IFDIR)
        {
            foreach (string child in Directory.EnumerateFileSystemEntries(path).Order(StringComparer.Ordinal))
            {
                Add(child, $"{name}/{Path.GetFileName(child)}", owners, lines);
            }
        }
    }

    private static string Content(string path)
    {
        try
        {
            return Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)))[..16];
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            return e.GetType().Name;
        }
    }
}
