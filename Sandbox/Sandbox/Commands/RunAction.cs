using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Text;
using Interpose.Abi;
using Interpose.Launch;
using Interpose.Namespaces;
using Policies;
using Policies.Files;
using Sandbox.Changes;
using Sandbox.Isolation;
using Sandbox.Kernel;
using Sandbox.Kernel.Seccomp;
using Sandbox.Reports;
using Sandbox.Supervisor;
using static Interpose.Abi.Uapi;

namespace Sandbox.Commands;

/// <summary>Checks what <c>sandbox run</c> was asked for, runs it, and reports.</summary>
internal static class RunAction
{
    /// <summary>Runs the command; gives the exit status.</summary>
    public static int Invoke(RunCommand command, ParseResult parsed)
    {
        using Log log = command.NewLog(parsed);
        List<string> problems = Check(command, parsed, out Checked options);
        if (problems.Count > 0)
        {
            foreach (string problem in problems)
            {
                log.Error("{Problem}", problem);
            }

            return ExitStatus.Usage;
        }

        int? resultFd = null;
        EventStream? events = null;
        RunOutcome outcome;
        try
        {
            resultFd = OpenOutput(parsed.GetValue(command.Result), "--result");
            int? eventsFd = OpenOutput(parsed.GetValue(command.Events), "--events");
            events = eventsFd is { } fd ? new EventStream(fd) : null;
            sock_filter[] filter = FilterFor(command, parsed, options);
            LaunchSpec spec = Resolve(command, parsed, options, filter);
            outcome = Execute(command, parsed, new RunPlan(
                spec, options.Words[0], options.Policy, options.Timeout,
                parsed.GetValue(command.WaitForAll), parsed.GetValue(command.Verify),
                options.Faults, parsed.GetValue(command.LoseStop), events, log));
        }
        catch (SetupException e)
        {
            log.Error("{Problem}", e.Message);
            outcome = new(RunStatus.SetupFailed, e.Message, e.Status, new RunStatistics());
        }

        events?.Dispose();
        outcome.Statistics.DroppedEvents =
            events?.Dropped ?? outcome.Statistics.DroppedEvents;
        int status = outcome.ExitCode;
        if (events is { Broken: true })
        {
            log.Error("--events: not all could be written");
            status = ExitStatus.Setup;
        }

        TellLostEvents(events, log);

        if (resultFd is { } result && !ResultFile.Write(result, outcome))
        {
            log.Error("--result: it could not be written");
            status = ExitStatus.Setup;
        }

        if (parsed.GetValue(command.Summary) || parsed.GetValue(command.Verbose))
        {
            HostProcess.WriteError(Summary.Render(outcome));
        }

        if (!parsed.GetValue(command.Quiet))
        {
            HostProcess.WriteError(Summary.RenderDenials(outcome.Statistics));
        }

        return status;
    }

    /// <summary>The run, and around it <c>--keep</c> and <c>--commit</c>.</summary>
    private static RunOutcome Execute(RunCommand command, ParseResult parsed, RunPlan plan)
    {
        using ChangeKeeping? keeping = ChangeKeeping.Begin(
            parsed.GetValue(command.Keep), parsed.GetValue(command.Commit), plan.Launch,
            parsed.GetValue(command.Words)!, plan.Log);
        if (keeping is null)
        {
            return Run.Execute(plan);
        }

        try
        {
            return keeping.Finish(Run.Execute(plan with { Launch = keeping.Launch }));
        }
        catch (SetupException)
        {
            keeping.Abandon();
            throw;
        }
    }

    private static void TellLostEvents(EventStream? events, Log log)
    {
        if (events is { Dropped.Count: > 0 })
        {
            var counts = new List<string>();
            foreach ((string name, long count) in events.Dropped)
            {
                counts.Add($"{count} {name}");
            }

            log.Warn(
                "--events: the reader was too slow; dropped: {Counts}", string.Join(", ", counts));
        }

        if (events is { Unread: true })
        {
            log.Warn("--events: the last events were not read in time and are lost");
        }
    }

    /// <summary>
    /// The filter of the run: what nobody is to be told of the kernel answers itself.
    /// </summary>
    private static sock_filter[] FilterFor(
        RunCommand command, ParseResult parsed, in Checked options)
    {
        bool tells = !parsed.GetValue(command.Quiet) || parsed.GetValue(command.Events) is not null
            || parsed.GetValue(command.Result) is not null;
        FilterOptions filter = FilterOptions.For(options.Policy, tells);
        return CreationFilter.Compile(
            options.Policy,
            options.Faults is null ? filter : filter with { LetsThreadsThrough = false });
    }

    /// <summary>Everything that is wrong usage; empty when nothing is.</summary>
    private static List<string> Check(RunCommand command, ParseResult parsed, out Checked options)
    {
        options = new Checked { Words = parsed.GetValue(command.Words) ?? [] };
        var problems = new List<string>();
        LoadedPolicy loaded =
            command.Policy.Load(parsed, command.Files.Read(parsed, problems));
        foreach (PolicyProblem problem in loaded.Problems)
        {
            problems.Add(problem.ToString());
        }

        options.Policy = loaded.Policy!;
        string? wrong = CheckEngine(parsed.GetValue(command.Engine))
            ?? CheckTimeout(parsed.GetValue(command.Timeout), ref options)
            ?? CheckEnvironment(parsed.GetAll(command.Env))
            ?? CheckDescriptors(parsed.GetAll(command.Descriptors))
            ?? CheckLogFormat(parsed.GetValue(command.LogFormat))
            ?? ChangeKeeping.Check(
                parsed.GetValue(command.Keep), parsed.GetValue(command.Commit), loaded.Policy)
            ?? CheckFaults(command, parsed, ref options);
        if (wrong is not null)
        {
            problems.Add(wrong);
        }

        return problems;
    }

    private static string? CheckEngine(string? engine) => engine is null or "ptrace" ? null
        : $"--engine {engine} is not supported by this version: only ptrace is";

    private static string? CheckTimeout(string? text, ref Checked options)
    {
        if (text is null)
        {
            return null;
        }

        bool ok = Units.TryDuration(text, out TimeSpan timeout);
        options.Timeout = timeout;
        return ok ? null : $"--timeout takes a duration such as 500ms, 2s, 10m or 1h, not '{text}'";
    }

    private static string? CheckEnvironment(string[] variables)
    {
        foreach (string variable in variables)
        {
            if (variable.IndexOf('=', StringComparison.Ordinal) <= 0)
            {
                return $"--env takes NAME=VALUE, not '{variable}'";
            }
        }

        return null;
    }

    private static string? CheckDescriptors(int[] descriptors)
    {
        foreach (int fd in descriptors)
        {
            if (fd < 0 || !HostProcess.IsOpen(fd))
            {
                return $"--fd {fd}: no such descriptor is open";
            }
        }

        return null;
    }

    private static string? CheckLogFormat(string? format) => format is null or "text" or "json"
        ? null : $"--log-format takes text or json, not '{format}'";

    private static string? CheckFaults(
        RunCommand command, ParseResult parsed, ref Checked options)
    {
        string? wrong = CheckFault(command.FailStep, parsed, out (int, Errno)? fault);
        (int Step, Errno Errno)? step = fault;
        wrong ??= CheckFault(command.FailLaunchStep, parsed, out fault);
        options.Faults = step is { } at ? new FailStep(at.Step, at.Errno) : null;
        options.LaunchFault = fault;
        return wrong;
    }

    private static string? CheckFault(
        Option<string> option, ParseResult parsed, out (int Step, Errno Errno)? fault)
    {
        fault = null;
        if (parsed.GetValue(option) is not { } text)
        {
            return null;
        }

        string[] parts = text.Split(':');
        if (parts.Length != 2 || !int.TryParse(parts[0], out int step) || step < 1
            || !ErrnoText.TryParse(parts[1], out Errno errno))
        {
            return $"{option.Name} takes N:ERRNO such as 3:ENOMEM, not '{text}'";
        }

        fault = (step, errno);
        return null;
    }

    private static int? OpenOutput(string? path, string option)
    {
        if (path is null)
        {
            return null;
        }

        if (path == "-" && option == "--events")
        {
            return 2;
        }

        Errno errno = HostProcess.OpenOutput(path, out int fd);
        return errno == Errno.None ? fd
            : throw new SetupException($"cannot write {option}", path, errno, "");
    }

    private static LaunchSpec Resolve(
        RunCommand command, ParseResult parsed, in Checked options, sock_filter[] filter)
    {
        IReadOnlyList<byte[]> words = StartState.LastArguments(options.Words.Length);
        List<byte[]> environment = NewEnvironment(
            parsed.GetValue(command.ClearEnv), parsed.GetAll(command.Env));
        int? directory = null;
        if (parsed.GetValue(command.ChangeDirectory) is { } path)
        {
            Errno unopened = HostProcess.OpenDirectory(path, out int fd);
            directory = unopened == Errno.None ? fd
                : throw new SetupException("cannot change to", path, unopened, string.Empty);
        }

        Errno errno = CommandLookup.Find(
            words[0], environment, directory ?? AT_FDCWD, out byte[] program);
        if (errno != Errno.None)
        {
            bool missing = errno is Errno.ENOENT or Errno.ENOTDIR;
            throw new SetupException(
                missing ? "command not found:" : "cannot run", options.Words[0], errno,
                string.Empty, missing ? ExitStatus.NotFound : ExitStatus.NotExecutable);
        }

        bool setsOpenFiles = false;
        foreach (ResourceLimit limit in options.Policy.Resources.Limits)
        {
            setsOpenFiles |= limit.Resource == RLIMIT_NOFILE;
        }

        return new LaunchSpec(
            program, words, environment, directory, parsed.GetAll(command.Descriptors),
            !setsOpenFiles, filter, CountedNamespaces(options.Policy.Creation.Namespaces),
            IsolationResolver.Resolve(
                options.Policy, parsed.GetValue(command.ChangeDirectory)),
            options.LaunchFault);
    }

    private static List<NamespaceLimit> CountedNamespaces(NamespaceBudgets budgets)
    {
        var most = new List<NamespaceLimit>();
        foreach (NamespaceType type in NamespaceTypes.All)
        {
            if (budgets.Of(type).Max is { } max)
            {
                most.Add(new(type.KernelName(), type.Flag(), max.Value));
            }
        }

        return most;
    }

    private static List<byte[]> NewEnvironment(bool clear, string[] added)
    {
        var variables = new List<byte[]>(clear ? [] : StartState.Environment());
        foreach (string variable in added)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(variable);
            int name = Array.IndexOf(bytes, (byte)'=') + 1;
            variables.RemoveAll(v => v.AsSpan().StartsWith(bytes.AsSpan(0, name)));
            variables.Add(bytes);
        }

        return variables;
    }

    /// <summary>Options after checking.</summary>
    private struct Checked
    {
        public string[] Words { get; set; }

        public Policy Policy { get; set; }

        public TimeSpan? Timeout { get; set; }

        public IFaults? Faults { get; set; }

        public (int Step, Errno Errno)? LaunchFault { get; set; }
    }
}
