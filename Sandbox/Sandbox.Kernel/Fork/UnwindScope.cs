using System.Collections.Generic;
using Interpose.Abi;

namespace Sandbox.Kernel.Fork;

/// <summary>
/// Something taken for a task that is not there yet. Exactly one of the two is called, once,
/// and neither may fail.
/// </summary>
public interface IReservation
{
    /// <summary>The task exists: the reservation becomes its own.</summary>
    void Commit();

    /// <summary>The task will never exist: what was taken goes back.</summary>
    void Cancel();
}

/// <summary>
/// How many reservations are open in the whole run; 0 whenever no clone is under way.
/// </summary>
public sealed class Ledger
{
    /// <summary>Reservations neither committed nor cancelled.</summary>
    public int Open { get; internal set; }
}

/// <summary>
/// All that one creation has taken so far. An acquisition registers itself here, so that none
/// can be forgotten; cancelling goes in reverse order, like the labels <c>bad_fork_*</c>.
/// </summary>
public sealed class UnwindScope
{
    private readonly List<IReservation> _taken = new(4);
    private readonly Ledger _ledger;
    private IFaults? _faults;
    private int _step;
    private bool _closed = true;

    /// <summary>Makes a scope that is not open yet.</summary>
    /// <param name="ledger">The run's count of open reservations.</param>
    public UnwindScope(Ledger ledger) => _ledger = ledger;

    /// <summary>Opens it for one creation.</summary>
    /// <param name="faults">Steps that shall fail; null outside tests.</param>
    internal void Open(IFaults? faults)
    {
        Invariant.Check(_closed, "a scope is open for one creation at a time");
        _taken.Clear();
        (_faults, _step, _closed) = (faults, 0, false);
    }

    /// <summary>
    /// Whether this step shall fail. Each acquisition asks once, before it takes.
    /// </summary>
    public Refusal? Fault(string step)
    {
        _step++;
        Errno errno = _faults?.At(_step) ?? Errno.None;
        return errno == Errno.None ? null : new Refusal(errno, RefusedBy.Setup, step);
    }

    /// <summary>Takes note of an acquisition.</summary>
    public void Register(IReservation reservation)
    {
        Invariant.Check(!_closed, "nothing is acquired after the commit point");
        _taken.Add(reservation);
        _ledger.Open++;
    }

    /// <summary>The commit point: no failure after this.</summary>
    internal void Commit()
    {
        Close();
        foreach (IReservation reservation in _taken)
        {
            reservation.Commit();
            _ledger.Open--;
        }
    }

    /// <summary>Gives everything back, the last first.</summary>
    internal void Cancel()
    {
        Close();
        for (int i = _taken.Count - 1; i >= 0; i--)
        {
            _taken[i].Cancel();
            _ledger.Open--;
        }
    }

    private void Close()
    {
        Invariant.Check(!_closed, "a creation is committed or cancelled once");
        _closed = true;
    }
}
