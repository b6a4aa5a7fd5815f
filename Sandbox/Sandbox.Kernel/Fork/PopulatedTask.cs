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
    private UnpublishedTask? _record;

    private PopulatedTask()
    {
    }

    /// <summary>What was asked for.</summary>
    public ValidatedClone Clone => _record!.Clone;

    /// <summary>The task that asked; null for the first one of a run.</summary>
    public GuestTask? Caller => _record!.Caller;

    /// <summary>The record.</summary>
    public GuestTask Task => _record!.Task;

    internal ReservedTask Next { get; } = ReservedTask.Unreached();

    internal static PopulatedTask Unreached() => new();

    internal static Result<PopulatedTask> Copy(
        [Consumes] UnpublishedTask unpublished, TaskRecords records, NamespaceTally namespaces,
        UnwindScope unwind)
    {
        unpublished.Consume();
        unwind.Register(unpublished.Task.Memberships);
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
                : records.Resource(kind));
        }

        PopulatedTask next = unpublished.Next;
        next.Reach();
        next._record = unpublished;
        return next;
    }

    internal override void Clear()
    {
        base.Clear();
        _record = null;
        Next.Clear();
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
}
