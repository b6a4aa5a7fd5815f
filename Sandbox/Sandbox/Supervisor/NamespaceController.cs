using System;
using Interpose.Abi;
using Interpose.Namespaces;
using Policies;
using Sandbox.Kernel;
using Sandbox.Kernel.Fork;
using static Interpose.Abi.Uapi;

namespace Sandbox.Supervisor;

/// <summary>
/// Sets up the namespaces that guests make, as <c>creation.namespaces</c> says: the ids of user
/// namespaces, and the loopback device of networks.
/// </summary>
internal sealed class NamespaceController(NamespaceSetUp policy) : IForkController, IDisposable
{
    private NamespaceSetup? _setup;

    /// <inheritdoc/>
    public string Name => "namespaces";

    /// <summary>Starts the process that does it.</summary>
    /// <returns>Its id.</returns>
    /// <exception cref="SetupException">There is none.</exception>
    public HostTid Start()
    {
        if (NamespaceSetup.Start(out _setup) is { } failed)
        {
            throw new SetupException(failed.What, failed.Object, failed.Errno, string.Empty);
        }

        return _setup!.Process;
    }

    /// <summary>Looks at the creator, whose ids the child will have, and makes a worker.</summary>
    public Result<IPlacement> CanFork(PopulatedTask task)
    {
        Result<Reservation> reserved = task.Caller is { } caller
            ? Reserve(caller.Tid, task.Clone.NewNamespaces) : Reservation.OfNothing;
        return reserved.TryGet(out Reservation? reservation, out Refusal refusal)
            ? reservation : refusal;
    }

    /// <summary>Reserves what setting up namespaces needs.</summary>
    /// <param name="maker">Who will make them.</param>
    /// <param name="types">Their types, as CLONE_NEW flags.</param>
    /// <returns>The reservation, or what the guest is told.</returns>
    public Result<Reservation> Reserve(HostTid maker, ulong types)
    {
        if ((types & policy.Types) == 0)
        {
            return Reservation.OfNothing;
        }

        MapToWrite? map = null;
        if ((types & policy.Types & CLONE_NEWUSER) != 0)
        {
            if (MapMaker.Look(maker, out (uint User, uint Group) ids) is var no and not Errno.None)
            {
                return new Refusal(no, RefusedBy.Setup, NamespaceSetUp.MapKey, policy.MapAt);
            }

            map = new(ids, policy.Map == UserMap.Root ? (0, 0) : ids);
        }

        bool raises = (types & policy.Types & CLONE_NEWNET) != 0;
        Errno errno = _setup!.Reserve();
        return errno == Errno.None ? new Reservation(_setup, new(map, raises))
            : new Refusal(errno, RefusedBy.Setup, Name);
    }

    /// <inheritdoc/>
    public void Dispose() => _setup?.Dispose();

    /// <summary>A worker that stands ready, and what it will do.</summary>
    internal sealed class Reservation(NamespaceSetup? setup, NamespaceWork work) : IPlacement
    {
        /// <summary>Where nothing is to be done.</summary>
        public static Reservation OfNothing { get; } = new(null, default);

        /// <summary>Sets up the namespaces that a stopped task stands in now.</summary>
        public Errno Place(HostTid child)
        {
            Errno errno = setup?.Run(child, work) ?? Errno.None;

            // One that was killed has its end reported.
            return errno == Errno.ESRCH ? Errno.None : errno;
        }

        /// <inheritdoc/>
        public void Commit()
        {
        }

        /// <inheritdoc/>
        public void Cancel() => setup?.Cancel();
    }
}
