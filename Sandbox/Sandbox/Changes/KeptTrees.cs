using System;
using System.Collections.Generic;
using Interpose.Abi;
using Interpose.Files;

namespace Sandbox.Changes;

/// <summary>The trees of a run, each with what was kept of it, open.</summary>
internal sealed class KeptTrees : IDisposable
{
    private readonly List<(Folder Upper, Folder Real)> _trees = [];

    /// <summary>Opens them.</summary>
    /// <exception cref="FileFailure">One is not there, or is another directory now.</exception>
    public KeptTrees(KeptChanges kept)
    {
        try
        {
            for (int i = 0; i < kept.Manifest.Roots.Count; i++)
            {
                Add(kept.Manifest.Roots[i], kept.OpenUpper(i));
            }
        }
        catch (FileFailure)
        {
            Dispose();
            throw;
        }
    }

    /// <summary>In the order of the manifest.</summary>
    public IReadOnlyList<(Folder Upper, Folder Real)> All => _trees;

    /// <summary>All differences, tree by tree, in the order of their paths.</summary>
    public List<Change> Changes()
    {
        var changes = new List<Change>();
        for (int i = 0; i < _trees.Count; i++)
        {
            ChangeScan.Add(_trees[i].Upper, _trees[i].Real, i, changes);
        }

        return changes;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((Folder upper, Folder real) in _trees)
        {
            upper.Dispose();
            real.Dispose();
        }

        _trees.Clear();
    }

    private void Add(in KeptRoot root, Folder upper)
    {
        Folder? real = null;
        try
        {
            real = Folder.Open(root.Path);
            FileStatus status = real.Look();
            if ((status.Device, status.Inode) != (root.Device, root.Inode))
            {
                throw new FileFailure(
                    "use another directory than the run's at",
                    System.Text.Encoding.UTF8.GetBytes(root.Path), Errno.ESTALE);
            }

            _trees.Add((upper, real));
            (upper, real) = (null!, null);
        }
        finally
        {
            upper?.Dispose();
            real?.Dispose();
        }
    }
}
