using System;
using System.Text;

namespace Interpose.Launch;

/// <summary>
/// Names that come up again and again, as text: guests run the same few programs. One that is
/// found allocates nothing; as many are kept as there are slots.
/// </summary>
public sealed class NameCache
{
    private const int SlotBits = 6;
    private readonly (byte[] Bytes, string Text)[] _slots = new (byte[], string)[1 << SlotBits];

    /// <summary>The text of a name in UTF-8.</summary>
    public string Find(ReadOnlySpan<byte> name)
    {
        ulong mixed = 0xcbf2_9ce4_8422_2325;
        foreach (byte one in name)
        {
            mixed = (mixed ^ one) * 0x0000_0100_0000_01b3;
        }

        ref (byte[] Bytes, string Text) slot =
            ref _slots[(mixed * 0x9e37_79b9_7f4a_7c15) >> (64 - SlotBits)];
        if (slot.Bytes is null || !name.SequenceEqual(slot.Bytes))
        {
            slot = (name.ToArray(), Encoding.UTF8.GetString(name));
        }

        return slot.Text;
    }
}
