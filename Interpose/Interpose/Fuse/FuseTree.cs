using System;
using System.Collections.Generic;
using System.Threading;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Fuse;

/// <summary>
/// The nodes that the kernel knows, each with the count of times that it was told of it, and the
/// descriptors that are held for them.
/// </summary>
internal sealed unsafe partial class FuseTree : IDisposable
{
    private const int GenerationShift = 32;
    private readonly Lock _lock = new();
    private readonly Dictionary<NodeKey, FuseNode> _known = [];
    private readonly Stack<FuseNode> _free = new();
    private readonly InodeNumbers _numbers;
    private readonly int _mostDescriptors;
    private FuseNode[] _nodes = new FuseNode[64];
    private int _count;
    private int _hand;
    private int _descriptors;

    /// <summary>Makes the root, which is never forgotten.</summary>
    /// <param name="lower">O_PATH of it; the tree closes it.</param>
    /// <param name="upper">The same of the copies, or -1.</param>
    /// <param name="status">What the root is.</param>
    /// <param name="rule">Its rules.</param>
    /// <param name="access">What guests can do with it.</param>
    /// <param name="mostDescriptors">How many may be held.</param>
    public FuseTree(
        int lower, int upper, in statx status, ViewRule rule, ViewAccess access,
        int mostDescriptors)
    {
        _mostDescriptors = mostDescriptors;
        ulong device = Device(status);
        _numbers = new(device);
        Root = new FuseNode
        {
            Id = FUSE_ROOT_ID,
            Rule = rule,
            Access = access,
            Type = S_IFDIR,
            Lookups = 1,
            Key = new(device, status.stx_ino, rule, access),
            Ino = status.stx_ino,
            Lower = lower,
            Upper = upper,
            HasLower = true,
            HasUpper = upper >= 0,
            IsKnown = true,
        };
        Root.SetName([]);
        _nodes[FUSE_ROOT_ID] = Root;
        _count = FUSE_ROOT_ID + 1;
        _descriptors = upper < 0 ? 1 : 2;
        _known.Add(Root.Key, Root);
    }

    /// <summary>The node with the number 1.</summary>
    public FuseNode Root { get; }

    /// <summary>How many nodes there are: those that the kernel has not forgotten.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _count - FUSE_ROOT_ID - _free.Count;
            }
        }
    }

    /// <summary>How many descriptors are held.</summary>
    public int Descriptors => Volatile.Read(ref _descriptors);

    /// <summary>The numbers that guests see.</summary>
    public InodeNumbers Numbers => _numbers;

    public static ulong Device(in statx status) =>
        ((ulong)status.stx_dev_major << 32) | status.stx_dev_minor;

    public static long Birth(in statx status) => (status.stx_mask & STATX_BTIME) == 0 ? 0
        : (status.stx_btime.tv_sec * 1_000_000_000) + status.stx_btime.tv_nsec;

    /// <summary>A node for the time of a request; null: the kernel has forgotten it.</summary>
    public FuseNode? Use(ulong id)
    {
        lock (_lock)
        {
            FuseNode? node = Find(id);
            if (node is not null)
            {
                node.Uses++;
                node.IsRecent = true;
            }

            return node;
        }
    }

    /// <summary>The end of <see cref="Use"/>.</summary>
    public void Release(FuseNode? node)
    {
        if (node is not null)
        {
            lock (_lock)
            {
                node.Uses--;
                FreeWhereUnused(node);
            }
        }
    }

    /// <summary>
    /// The node of what a name stands for, one time more known to the kernel. In use, as by
    /// <see cref="Use"/>.
    /// </summary>
    /// <param name="parent">The directory, in use.</param>
    /// <param name="name">The name in it; empty: none that it could be found by.</param>
    /// <param name="found">What was found there.</param>
    /// <param name="rule">The rules at the name.</param>
    /// <param name="access">What of them is in force.</param>
    /// <param name="inUpper">Whether it was found among the copies.</param>
    public FuseNode Remember(
        FuseNode parent, ReadOnlySpan<byte> name, in statx found, ViewRule rule,
        ViewAccess access, bool inUpper)
    {
        uint type = (uint)found.stx_mode & S_IFMT;
        var key = new NodeKey(
            Device(found), found.stx_ino, type == S_IFDIR ? rule : null, access);
        long birth = Birth(found);
        lock (_lock)
        {
            if (_known.TryGetValue(key, out FuseNode? node)
                && (node.Type != type || node.Birth != birth))
            {
                // The number went on to another file: what the kernel knows is gone.
                _known.Remove(key);
                node.IsKnown = false;
                node = null;
            }

            if (node is null)
            {
                node = NewNode(key);
                (node.Rule, node.Access, node.Type, node.Birth) = (rule, access, type, birth);
                node.Ino = inUpper ? _numbers.OfCopy(key.Device, key.Inode)
                    : _numbers.Of(key.Device, key.Inode);
                (node.HasLower, node.HasUpper) = (!inUpper, inUpper);
                Place(node, parent, name);
            }
            else if (node.IsNameless && !name.IsEmpty)
            {
                Place(node, parent, name);
            }

            node.HasSetId = HasSetId(found);
            node.Lookups++;
            node.Uses++;
            node.IsRecent = true;
            return node;
        }
    }

    /// <summary>Whether the real file would run with rights of others.</summary>
    public static bool HasSetId(in statx status) =>
        (status.stx_mode & S_IFMT) != S_IFDIR && (status.stx_mode & (S_ISUID | S_ISGID)) != 0;

    /// <summary>The node that has a key, in use; null: the kernel does not know it.</summary>
    public FuseNode? UseKnown(in NodeKey key)
    {
        lock (_lock)
        {
            if (_known.TryGetValue(key, out FuseNode? node))
            {
                node.Uses++;
            }

            return node;
        }
    }

    /// <summary>The kernel forgets: it was told of the node so many times.</summary>
    public void Forget(ulong id, ulong lookups)
    {
        lock (_lock)
        {
            if (Find(id) is { } node && node != Root)
            {
                node.Lookups -= Math.Min(node.Lookups, lookups);
                FreeWhereUnused(node);
            }
        }
    }

    /// <summary>
    /// A handle was opened, or closed (-1): as long as there is one, a node stays.
    /// </summary>
    public void CountHandle(FuseNode node, int more)
    {
        lock (_lock)
        {
            node.Handles += more;
            FreeWhereUnused(node);
        }
    }

    /// <summary>A node has another name now.</summary>
    public void Move(FuseNode node, FuseNode parent, ReadOnlySpan<byte> name)
    {
        lock (_lock)
        {
            Place(node, parent, name);
        }
    }

    /// <summary>
    /// A name is about to go: if the node was found by it, it keeps its descriptor from now on.
    /// </summary>
    public void LoseName(FuseNode node, FuseNode parent, ReadOnlySpan<byte> name)
    {
        lock (_lock)
        {
            node.IsNameless |= node.Parent == parent && node.NameBytes.SequenceEqual(name);
        }
    }

    /// <summary>It is another file from now on: its copy.</summary>
    /// <param name="node">In use.</param>
    /// <param name="copy">What the copy is.</param>
    /// <param name="keepsNumber">
    /// Whether guests see the same number; not of a file that has other names, which stay real.
    /// </param>
    public void Rekey(FuseNode node, in statx copy, bool keepsNumber)
    {
        var key = new NodeKey(Device(copy), copy.stx_ino, node.Key.Rule, node.Access);
        lock (_lock)
        {
            node.Ino = keepsNumber ? node.Ino : _numbers.Of(key.Device, key.Inode);
            _numbers.Keep(key.Device, key.Inode, node.Ino);
            if (node.IsKnown)
            {
                _known.Remove(node.Key);
            }

            (node.Key, node.Birth, node.IsKnown) = (key, Birth(copy), true);
            if (_known.TryGetValue(key, out FuseNode? other))
            {
                other.IsKnown = false;
            }

            _known[key] = node;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            for (int i = FUSE_ROOT_ID; i < _count; i++)
            {
                CloseAll(_nodes[i]);
                _nodes[i].Clear();
            }
        }
    }

    private FuseNode? Find(ulong id)
    {
        uint slot = (uint)id;
        FuseNode? node = slot < (uint)_count ? _nodes[slot] : null;
        return node is not null && node.Id == id && node.Lookups + (ulong)node.Uses > 0
            ? node : null;
    }

    private FuseNode NewNode(in NodeKey key)
    {
        if (!_free.TryPop(out FuseNode? node))
        {
            if (_count == _nodes.Length)
            {
                Array.Resize(ref _nodes, _count * 2);
            }

            node = new FuseNode { Id = (ulong)_count };
            _nodes[_count++] = node;
        }

        (node.Key, node.IsKnown) = (key, true);
        _known.Add(key, node);
        return node;
    }

    private void Place(FuseNode node, FuseNode parent, ReadOnlySpan<byte> name)
    {
        FuseNode? before = node.Parent;
        node.IsNameless = name.IsEmpty;
        node.Parent = parent;
        parent.Children++;
        node.SetName(name);
        if (before is not null)
        {
            before.Children--;
            FreeWhereUnused(before);
        }
    }

    private void FreeWhereUnused(FuseNode node)
    {
        while (node.Lookups == 0 && node.Uses == 0 && node.Children == 0 && node.Handles == 0
            && node.Parent is { } parent)
        {
            if (node.IsKnown)
            {
                _known.Remove(node.Key);
            }

            CloseAll(node);
            node.Clear();
            node.Id += 1UL << GenerationShift;
            _free.Push(node);
            parent.Children--;
            node = parent;
        }
    }

    private void CloseAll(FuseNode node)
    {
        CloseHeld(ref node.Lower);
        CloseHeld(ref node.Upper);
        CloseHeld(ref node.Data);
    }

    private void CloseHeld(ref int fd)
    {
        if (fd >= 0)
        {
            Posix.Close(fd);
            fd = -1;
            Interlocked.Decrement(ref _descriptors);
        }
    }
}
