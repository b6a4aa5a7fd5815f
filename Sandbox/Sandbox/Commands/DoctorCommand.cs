using System.CommandLine;
using Interpose.Launch;
using Sandbox.Doctor;

namespace Sandbox.Commands;

/// <summary><c>sandbox doctor</c>: what this host can do for the sandbox.</summary>
internal sealed class DoctorCommand
{
    private readonly Option<bool> _json = new("--json")
    {
        Description = "Write one JSON object instead of a table",
    };

    public DoctorCommand()
    {
        Command = new Command(
            "doctor",
            "Try each feature of the host that a run needs, say what is missing and the command "
                + "that mends it; exit status 0 when a run is possible, 1 when not")
        {
            _json,
        };
        Command.SetAction(Invoke);
    }

    public Command Command { get; }

    private int Invoke(ParseResult parsed)
    {
        Diagnosis diagnosis = Diagnosis.Take();
        string text = parsed.GetValue(_json) ? DiagnosisText.Json(diagnosis)
            : DiagnosisText.Table(diagnosis);
        return !HostProcess.WriteOut(text) ? ExitStatus.Setup : diagnosis.RunIsPossible ? 0 : 1;
    }
}
