using System.Collections.Generic;
using System.Threading;

namespace Interpose.Fuse;

/// <summary>
/// One number for each file though the tree lies on several file systems: those of the root's
/// keep their own, those of others get the number of their device in the upper bits.
/// </summary>
internal sealed class InodeNumbers
{
    private const int DeviceShift = 48;
    private const ulong Largest = (1UL << DeviceShift) - 1;
    private const ulong MostDevices = 0xffff;
    private const ulong FirstOdd = MostDevices << DeviceShift;
    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, ulong> _devices = [];
    private readonly Dictionary<(ulong Device, ulong Inode), ulong> _odd = [];

    public InodeNumbers(ulong root) => _devices.Add(root, 0);

    /// <summary>The number that guests see.</summary>
    public ulong Of(ulong device, ulong inode)
    {
        lock (_lock)
        {
            if (!_devices.TryGetValue(device, out ulong number))
            {
                number = (ulong)_devices.Count;
                _devices.Add(device, number);
            }

            return inode <= Largest && number < MostDevices
                ? inode | (number << DeviceShift) : Odd(device, inode);
        }
    }

    /// <summary>A file goes on under the number that another had: its copy.</summary>
    public void Keep(ulong device, ulong inode, ulong number)
    {
        lock (_lock)
        {
            _odd[(device, inode)] = number;
        }
    }

    /// <summary>As <see cref="Of"/>, for files that may be copies.</summary>
    public ulong OfCopy(ulong device, ulong inode)
    {
        lock (_lock)
        {
            if (_odd.TryGetValue((device, inode), out ulong number))
            {
                return number;
            }
        }

        return Of(device, inode);
    }

    /// <summary>A number too large to carry another: it is given one that nobody has.</summary>
    private ulong Odd(ulong device, ulong inode)
    {
        if (!_odd.TryGetValue((device, inode), out ulong number))
        {
            number = FirstOdd + (ulong)_odd.Count;
            _odd.Add((device, inode), number);
        }

        return number;
    }
}
