using System;
using System.Globalization;
using System.IO;
using Interpose.Launch;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting;
using Serilog.Formatting.Display;
using Serilog.Formatting.Json;

namespace Sandbox.Reports;

/// <summary>The program's own words, on standard error. Made when the first is said.</summary>
internal sealed class Log(LogEventLevel least, bool json) : IDisposable
{
    private readonly Lazy<Logger> _logger = new(() => Create(least, json));

    /// <summary>Whether details are wanted; asked before they are put together.</summary>
    public bool Verbose => least <= LogEventLevel.Debug;

    /// <summary>A detail for <c>-v</c>.</summary>
    public void Detail(string template, params object?[] values) =>
        Say(LogEventLevel.Debug, template, values);

    /// <summary>Something that the user should know.</summary>
    public void Warn(string template, params object?[] values) =>
        Say(LogEventLevel.Warning, template, values);

    /// <summary>Why the run could not be or had to end.</summary>
    public void Error(string template, params object?[] values) =>
        Say(LogEventLevel.Error, template, values);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_logger.IsValueCreated)
        {
            _logger.Value.Dispose();
        }
    }

    private static Logger Create(LogEventLevel least, bool json)
    {
        ITextFormatter formatter = json
            ? new JsonFormatter(renderMessage: true, formatProvider: CultureInfo.InvariantCulture)
            : new MessageTemplateTextFormatter(
                "sandbox: {Message:lj}{NewLine}", CultureInfo.InvariantCulture);
        return new LoggerConfiguration()
            .MinimumLevel.Is(least)
            .WriteTo.Sink(new StandardError(formatter))
            .CreateLogger();
    }

    private void Say(LogEventLevel level, string template, object?[] values)
    {
        if (level >= least)
        {
            _logger.Value.Write(level, template, values);
        }
    }

    /// <summary>
    /// Writes with write(2). Serilog's console sink would start System.Console, which installs
    /// signal handlers and changes the terminal under the guest.
    /// </summary>
    private sealed class StandardError(ITextFormatter formatter) : ILogEventSink
    {
        public void Emit(LogEvent logEvent)
        {
            using var text = new StringWriter(CultureInfo.InvariantCulture);
            formatter.Format(logEvent, text);
            HostProcess.WriteError(text.ToString());
        }
    }
}
