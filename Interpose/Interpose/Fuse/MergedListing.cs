using System;
using System.Runtime.InteropServices;

namespace Interpose.Fuse;

/// <summary>The names of a directory that lies in two trees, each once, as they were when it was opened.</summary>
internal sealed unsafe class MergedListing : IDisposable
{
    private byte* _entries;

    public void Dispose()
    {
        NativeMemory.Free(_entries);
        _entries = null;
    }
}
