namespace Sandbox.Kernel.Tasks;

/// <summary>
/// When the creations of the last second were, but for those that did not happen: a ring that
/// grows to what a second holds and is used again from then on.
/// </summary>
internal sealed class RecentCreations
{
    private const long Second = 1_000_000_000;
    private const long Forgotten = long.MinValue;

    /// <summary>Its length is a power of two; entry N lies at N modulo that.</summary>
    private long[] _times = new long[16];
    private long _first;
    private long _next;
    private int _forgotten;

    /// <summary>How many it has room for, for tests.</summary>
    internal int Room => _times.Length;

    /// <summary>How many there were in the second before a moment.</summary>
    public int CountAt(long now)
    {
        for (; _first < _next; _first++)
        {
            ref long time = ref At(_first);
            if (time != Forgotten && now - time < Second)
            {
                break;
            }

            _forgotten -= time == Forgotten ? 1 : 0;
        }

        return (int)(_next - _first) - _forgotten;
    }

    /// <summary>Adds one.</summary>
    /// <returns>Its number.</returns>
    public long Add(long now)
    {
        if (_next - _first == _times.Length)
        {
            var wider = new long[2 * _times.Length];
            for (long i = _first; i < _next; i++)
            {
                wider[i & (wider.Length - 1)] = At(i);
            }

            _times = wider;
        }

        At(_next) = now;
        return _next++;
    }

    /// <summary>
    /// One did not happen. That of more than a second ago counts no more. The last ones leave
    /// their places, so that calls which all come to nothing do not make it grow.
    /// </summary>
    public void Forget(long number)
    {
        if (number < _first)
        {
            return;
        }

        At(number) = Forgotten;
        _forgotten++;
        while (_next > _first && At(_next - 1) == Forgotten)
        {
            _next--;
            _forgotten--;
        }
    }

    private ref long At(long number) => ref _times[number & (_times.Length - 1)];
}
