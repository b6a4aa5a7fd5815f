using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Fuse;

/// <content>Removing and renaming where changes are made to copies.</content>
internal sealed unsafe partial class FuseFiles
{
    private Errno RemoveCopy(FuseNode parent, FuseName name, ViewRule rule, bool isDirectory)
    {
        statx upper;
        statx lower;
        lock (_copies)
        {
            Errno errno = LookAt(parent, name, &upper, &lower, out Layer layer);
            if (errno != Errno.None || layer is Layer.None or Layer.Whiteout)
            {
                return errno == Errno.None ? Errno.ENOENT : errno;
            }

            statx* shown = layer == Layer.Lower ? &lower : &upper;
            errno = IsDirectory(*shown) == isDirectory ? Errno.None
                : isDirectory ? Errno.ENOTDIR : Errno.EISDIR;
            int up = -1;
            errno = errno == Errno.None ? UpperPath(parent, out up) : errno;
            FuseNode? victim = HoldCopy(*(layer == Layer.Upper ? &upper : &lower), rule);
            errno = errno == Errno.None && isDirectory
                ? CheckEmpty(parent, name, layer) : errno;
            errno = errno == Errno.None
                ? Erase(up, name.Text, layer, isDirectory, lower.stx_mode != 0) : errno;
            LoseName(victim, errno, parent, name);
            return errno;
        }
    }

    private FuseNode? HoldCopy(in statx key, ViewRule rule)
    {
        FuseNode? node = Tree.UseKnown(KeyOf(key, rule, ViewAccess.CopyOnWrite));
        if (node is not null)
        {
            Tree.Path(node, out _);
        }

        return node;
    }

    /// <summary>Takes a name away; a whiteout stays where there is a real file of it.</summary>
    private Errno Erase(int up, byte* name, Layer layer, bool isDirectory, bool hasLower)
    {
        const int whiteout = S_IFCHR;
        if (layer == Layer.Lower)
        {
            return FuseCalls.Named(__NR_mknodat, up, name, whiteout, 0);
        }

        byte* temporary = stackalloc byte[TemporaryLength];
        NameTemporary(temporary);
        if (!hasLower)
        {
            if (!isDirectory)
            {
                return FuseCalls.Named(__NR_unlinkat, up, name);
            }

            Errno moved = FuseCalls.Move(__NR_renameat2, up, name, _work, temporary, 0);
            return moved == Errno.None ? Discard(temporary) : moved;
        }

        Errno errno = FuseCalls.Named(__NR_mknodat, _work, temporary, whiteout, 0);
        errno = errno == Errno.None ? FuseCalls.Move(
            __NR_renameat2, _work, temporary, up, name,
            isDirectory ? RENAME_EXCHANGE : 0u) : errno;
        return errno == Errno.None && isDirectory ? Discard(temporary) : errno;
    }

    /// <summary>Removes a directory in which nothing but whiteouts is.</summary>
    private Errno Discard(byte* temporary)
    {
        Errno errno = FuseCalls.Open(
            _work, temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, out int fd);
        if (errno == Errno.None)
        {
            using var names = new MergedListing();
            errno = ReadAll(fd, names, null, 0);
            for (int i = 0; i < names.Count; i++)
            {
                FuseCalls.Named(__NR_unlinkat, fd, Dirent.NameOf(names.At(i)).Text);
            }

            Posix.Close(fd);
        }

        return FuseCalls.Named(__NR_unlinkat, _work, temporary, AT_REMOVEDIR);
    }

    /// <summary>Whether a directory shows no name, those that rules hide among them.</summary>
    private Errno CheckEmpty(FuseNode parent, FuseName name, Layer layer)
    {
        using var names = new MergedListing();
        Errno errno = Errno.None;
        if (layer != Layer.Lower)
        {
            errno = ReadNamed(parent, name, upper: true, names, null);
        }

        // Whiteouts count as names, so that they cover; what is left are the others.
        using var all = new MergedListing();
        for (int i = 0; errno == Errno.None && i < names.Count; i++)
        {
            Dirent* entry = names.At(i);
            errno = IsDots(Dirent.NameOf(entry)) || entry->Type == Dirent.CharacterDevice
                ? Errno.None : Errno.ENOTEMPTY;
        }

        if (errno == Errno.None && layer != Layer.Upper)
        {
            errno = ReadNamed(parent, name, upper: false, all, names);
            for (int i = 0; errno == Errno.None && i < all.Count; i++)
            {
                errno = IsDots(Dirent.NameOf(all.At(i))) ? Errno.None : Errno.ENOTEMPTY;
            }
        }

        return errno;
    }

    private Errno ReadNamed(
        FuseNode parent, FuseName name, bool upper, MergedListing into, MergedListing? but)
    {
        Errno errno = Tree.Path(parent, upper, out int at);
        int fd = -1;
        errno = errno == Errno.None ? FuseCalls.Open(
            at, name.Text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, out fd) : errno;
        if (errno == Errno.None)
        {
            errno = ReadAll(fd, into, but, 0);
            Posix.Close(fd);
        }

        return errno;
    }

    private Errno RenameCopy(ref Side from, ref Side to, uint flags)
    {
        statx found = default;
        statx target = default;
        Errno errno = Find(
            from.Parent, from.Name, from.Rule, from.Access, &found, out FuseNode? moved);
        if (errno != Errno.None)
        {
            return errno;
        }

        errno = Find(to.Parent, to.Name, to.Rule, to.Access, &target, out FuseNode? victim);
        errno = errno == Errno.ENOENT && (flags & RENAME_EXCHANGE) == 0 ? Errno.None
            : errno == Errno.None && (flags & RENAME_NOREPLACE) != 0 ? Errno.EEXIST : errno;
        errno = errno == Errno.None ? MayMove(ref from, ref to, found, target, flags) : errno;
        errno = errno == Errno.None ? ReadyToMove(moved!) : errno;
        errno = errno == Errno.None && victim is not null && (flags & RENAME_EXCHANGE) != 0
            ? ReadyToMove(victim) : errno;
        errno = errno == Errno.None && moved == victim ? Errno.EEXIST : errno;
        if (victim is not null)
        {
            Tree.Path(victim, out _);
            Tree.Forget(victim.Id, 1);
        }

        Tree.Forget(moved!.Id, 1);
        lock (_copies)
        {
            errno = errno == Errno.None ? MoveCopy(ref from, ref to, flags) : errno;
        }

        bool isSame = errno == Errno.EEXIST && moved == victim
            && (flags & RENAME_NOREPLACE) == 0;
        Moved(moved, victim, errno, ref from, ref to, flags);
        return isSame ? Errno.None : errno;
    }

    /// <summary>
    /// A file gets its copy first. A directory with anything of the real one in it would take that
    /// along, which no copy can say: EXDEV, as of overlayfs without redirects.
    /// </summary>
    private Errno ReadyToMove(FuseNode node) =>
        node.Type != S_IFDIR ? CopyFirst(node, empty: false)
        : node.HasLower ? Errno.EXDEV : Errno.None;

    private Errno MoveCopy(ref Side from, ref Side to, uint flags)
    {
        statx upper = default;
        statx lower = default;
        statx other = default;
        Errno errno = LookAt(from.Parent, from.Name, &upper, &lower, out Layer layer);
        bool leavesReal = lower.stx_mode != 0;
        bool isDirectory = IsDirectory(upper);
        errno = errno == Errno.None && layer is not (Layer.Upper or Layer.Both)
            ? Errno.ESTALE : errno;
        errno = errno == Errno.None
            ? LookAt(to.Parent, to.Name, &other, &lower, out layer) : errno;
        bool coversReal = lower.stx_mode != 0;
        bool exchanges = (flags & RENAME_EXCHANGE) != 0;
        int up = -1;
        errno = errno == Errno.None ? UpperPath(from.Parent, out up) : errno;
        int into = -1;
        errno = errno == Errno.None ? UpperPath(to.Parent, out into) : errno;
        statx* shown = layer == Layer.Lower ? &lower : &other;
        errno = errno == Errno.None && !exchanges
            ? ReadyToReplace(ref to, into, layer, *shown, isDirectory) : errno;
        bool isTargetDirectory = exchanges && IsDirectory(other);
        errno = errno == Errno.None && isDirectory && coversReal
            ? MakeOpaque(up, from.Name.Text) : errno;
        errno = errno == Errno.None && isTargetDirectory && leavesReal
            ? MakeOpaque(into, to.Name.Text) : errno;
        if (errno != Errno.None)
        {
            return errno;
        }

        // A directory in the place of a whiteout: they change places, and that goes or stays.
        if (!exchanges && isDirectory && layer == Layer.Whiteout)
        {
            errno = FuseCalls.Move(
                __NR_renameat2, up, from.Name.Text, into, to.Name.Text, RENAME_EXCHANGE);
            return errno != Errno.None || leavesReal ? errno
                : FuseCalls.Named(__NR_unlinkat, up, from.Name.Text);
        }

        return FuseCalls.Move(
            __NR_renameat2, up, from.Name.Text, into, to.Name.Text,
            exchanges ? RENAME_EXCHANGE : leavesReal ? RENAME_WHITEOUT : 0u);
    }

    /// <summary>What stands at the new name goes: a directory must be empty, rename(2).</summary>
    private Errno ReadyToReplace(
        ref Side to, int into, Layer layer, in statx target, bool isDirectory)
    {
        if (layer is Layer.None or Layer.Whiteout)
        {
            return Errno.None;
        }

        if (IsDirectory(target) != isDirectory)
        {
            return isDirectory ? Errno.ENOTDIR : Errno.EISDIR;
        }

        Errno errno = isDirectory ? CheckEmpty(to.Parent, to.Name, layer) : Errno.None;
        if (errno != Errno.None || !isDirectory || layer == Layer.Lower)
        {
            return errno;
        }

        // An upper directory may hold whiteouts, which a rename would not replace.
        byte* temporary = stackalloc byte[TemporaryLength];
        NameTemporary(temporary);
        errno = FuseCalls.Move(__NR_renameat2, into, to.Name.Text, _work, temporary, 0);
        return errno == Errno.None ? Discard(temporary) : errno;
    }
}
