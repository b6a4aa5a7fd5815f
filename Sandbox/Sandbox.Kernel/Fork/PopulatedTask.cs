using Sandbox.Kernel.Tasks;

namespace Sandbox.Kernel.Fork;

/// <summary>
/// Stage 3: a task record that holds every resource, each shared with the caller or its own.
/// </summary>
/// <remarks>
/// Holds: the record with its memory, files, fs, handlers, signals, io, semaphores and
/// namespaces.
/// Took: a membership in each group.
/// Can fail with: nothing of its own; an injected fault between any two groups.
/// Kernel counterpart: <c>copy_semundo</c> to <c>copy_thread</c>.
/// Next: <see cref="ReservedTask"/>.
/// </remarks>
public sealed class PopulatedTask : Stage
{
    private PopulatedTask(UnpublishedTask unpublished) =>
        (Clone, Caller, Task) = (unpublished.Clone, unpublished.Caller, unpublished.Task);

    /// <summary>What was asked for.</summary>
    public ValidatedClone Clone { get; }

    /// <summary>The task that asked; null for the first one of a run.</summary>
    public GuestTask? Caller { get; }

    /// <summary>The record.</summary>
    public GuestTask Task { get; }

    internal static Result<PopulatedTask> Copy(
        [Consumes] UnpublishedTask unpublished, NamespaceTally namespaces, UnwindScope unwind)
    {
        unpublished.Consume();
        var memberships = new Memberships(unpublished.Task);
        unwind.Register(memberships);
        for (int i = 0; i < ResourceGroup.Kinds; i++)
        {
            var kind = (ResourceKind)i;
            bool step = kind <= ResourceGroup.FirstNamespace;
            if (step && unwind.Fault(Step(kind)) is { } fault)
            {
                return fault;
            }

            bool shared = unpublished.Caller is not null && unpublished.Clone.Shares(kind);
            unpublished.Task.Hold(shared ? unpublished.Caller![kind]
                : ResourceGroup.IsNamespace(kind) ? namespaces.Make(kind, unpublished.Caller)
                : new ResourceGroup(kind));
        }

        return new PopulatedTask(unpublished);
    }

    private static string Step(ResourceKind kind) => kind switch
    {
        ResourceKind.Mm => "copy_mm",
        ResourceKind.Files => "copy_files",
        ResourceKind.Fs => "copy_fs",
        ResourceKind.Sighand => "copy_sighand",
        ResourceKind.Signal => "copy_signal",
        ResourceKind.Io => "copy_io",
        ResourceKind.SemUndo => "copy_semundo",
        _ => "copy_namespaces",
    };

    /// <summary>The groups that a record has joined so far.</summary>
    private sealed class Memberships(GuestTask task) : IReservation
    {
        public void Commit()
        {
        }

        public void Cancel() => task.LetGoOfAll();
    }
}
