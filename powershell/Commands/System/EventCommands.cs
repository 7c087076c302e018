// EventCommands.cs - Register-ObjectEvent, Register-EngineEvent, New-, Get-, Remove-, Wait-Event, Get-EventSubscriber,
// Unregister-Event. The engine keeps the queue and the subscribers.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Threading;

namespace Microsoft.PowerShell.Commands;

/// <summary>Subscribes to an event of a .NET object.</summary>
[Cmdlet(VerbsLifecycle.Register, "ObjectEvent")]
[OutputType(typeof(PSEventJob))]
public class RegisterObjectEventCommand : ObjectEventRegistrationBase
{
    [Parameter(Mandatory = true, Position = 0)] public PSObject InputObject { get; set; }
    [Parameter(Mandatory = true, Position = 1)] public string EventName { get; set; }

    protected override object GetSourceObject() => InputObject;
    protected override string GetSourceObjectEventName() => EventName;
}

/// <summary>Subscribes to events that the engine or New-Event raises.</summary>
[Cmdlet(VerbsLifecycle.Register, "EngineEvent")]
[OutputType(typeof(PSEventJob))]
public class RegisterEngineEventCommand : ObjectEventRegistrationBase
{
    [Parameter(Mandatory = true, Position = 100)] public new string SourceIdentifier { get => base.SourceIdentifier; set => base.SourceIdentifier = value; }

    protected override object GetSourceObject() => null;
    protected override string GetSourceObjectEventName() => null;
}

/// <summary>Raises an event.</summary>
[Cmdlet(VerbsCommon.New, "Event")]
[OutputType(typeof(PSEventArgs))]
public class NewEventCommand : PSCmdlet
{
    [Parameter(Position = 0, Mandatory = true)] public string SourceIdentifier { get; set; }
    [Parameter(Position = 1)] public PSObject Sender { get; set; }
    [Parameter(Position = 2)] public PSObject[] EventArguments { get; set; } = [];
    [Parameter(Position = 3)] public PSObject MessageData { get; set; }

    protected override void EndProcessing() =>
        WriteObject(Events.GenerateEvent(SourceIdentifier, Sender?.BaseObject, EventArguments.Select(a => a?.BaseObject).ToArray(), MessageData, true, false));
}

/// <summary>Gets the events that wait in the queue.</summary>
[Cmdlet(VerbsCommon.Get, "Event", DefaultParameterSetName = "BySource")]
[OutputType(typeof(PSEventArgs))]
public class GetEventCommand : PSCmdlet
{
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true, ParameterSetName = "BySource")] public string SourceIdentifier { get; set; } = "*";
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = "ById")] [Alias("Id")] public int EventIdentifier { get; set; } = -1;

    protected override void EndProcessing()
    {
        WildcardPattern pattern = WildcardPattern.Get(SourceIdentifier, WildcardOptions.IgnoreCase);
        bool any = false;
        foreach (PSEventArgs e in Events.ReceivedEvents.ToList())
        {
            if (EventIdentifier >= 0 ? e.EventIdentifier != EventIdentifier : !pattern.IsMatch(e.SourceIdentifier ?? string.Empty)) continue;
            any = true;
            WriteObject(e);
        }
        if (any) return;
        if (EventIdentifier >= 0)
            WriteError(new ErrorRecord(new ArgumentException($"The event with identifier {EventIdentifier} does not exist."), "INVALID_EVENT_IDENTIFIER", ErrorCategory.InvalidArgument, null));
        else if (!WildcardPattern.ContainsWildcardCharacters(SourceIdentifier))
            WriteError(new ErrorRecord(new ArgumentException($"There is no event with the source identifier {SourceIdentifier}."), "INVALID_SOURCE_IDENTIFIER", ErrorCategory.InvalidArgument, null));
    }
}

/// <summary>Removes events from the queue.</summary>
[Cmdlet(VerbsCommon.Remove, "Event", DefaultParameterSetName = "BySource", SupportsShouldProcess = true)]
public class RemoveEventCommand : PSCmdlet
{
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true, ParameterSetName = "BySource")] public string SourceIdentifier { get; set; }
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true, ParameterSetName = "ByIdentifier")] public int EventIdentifier { get; set; } = -1;

    protected override void ProcessRecord()
    {
        WildcardPattern pattern = SourceIdentifier == null ? null : WildcardPattern.Get(SourceIdentifier, WildcardOptions.IgnoreCase);
        bool any = false;
        lock (Events.ReceivedEvents.SyncRoot)
        {
            for (int i = Events.ReceivedEvents.Count - 1; i >= 0; i--)
            {
                PSEventArgs e = Events.ReceivedEvents[i];
                if (pattern != null ? !pattern.IsMatch(e.SourceIdentifier ?? string.Empty) : e.EventIdentifier != EventIdentifier) continue;
                any = true;
                if (ShouldProcess($"Event '{e.SourceIdentifier}'", "Remove")) Events.ReceivedEvents.RemoveAt(i);
            }
        }
        if (!any && (SourceIdentifier == null || !WildcardPattern.ContainsWildcardCharacters(SourceIdentifier)))
            WriteError(new ErrorRecord(new ArgumentException($"There is no event {SourceIdentifier ?? EventIdentifier.ToString()}."),
                SourceIdentifier == null ? "INVALID_EVENT_IDENTIFIER" : "INVALID_SOURCE_IDENTIFIER", ErrorCategory.InvalidArgument, null));
    }
}

/// <summary>Waits for an event and gets it, without taking it from the queue.</summary>
[Cmdlet(VerbsLifecycle.Wait, "Event", DefaultParameterSetName = "ByName")]
[OutputType(typeof(PSEventArgs))]
public class WaitEventCommand : PSCmdlet
{
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)] public string SourceIdentifier { get; set; }
    [Parameter] [Alias("TimeoutSec")] [ValidateRange(-1, int.MaxValue)] public int Timeout { get; set; } = -1;

    readonly AutoResetEvent _came = new(false);
    volatile bool _stopped;
    WildcardPattern _pattern;

    protected override void ProcessRecord()
    {
        _pattern = SourceIdentifier == null ? null : WildcardPattern.Get(SourceIdentifier, WildcardOptions.IgnoreCase);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        Events.ReceivedEvents.PSEventReceived += Came;
        try
        {
            while (!_stopped)
            {
                if (Find() is { } found)
                {
                    WriteObject(found);
                    return;
                }
                double left = Timeout < 0 ? 200 : Timeout * 1000.0 - clock.ElapsedMilliseconds;
                if (left <= 0) return;
                _came.WaitOne((int)Math.Min(left, 200));    // events of subscribers with actions are handled between waits
                Reactions.PowerShell.Engine.Inside.ProcessPendingActions(Events);
            }
        }
        finally { Events.ReceivedEvents.PSEventReceived -= Came; }
    }

    PSEventArgs Find()
    {
        lock (Events.ReceivedEvents.SyncRoot)
            return Events.ReceivedEvents.FirstOrDefault(e => _pattern == null || _pattern.IsMatch(e.SourceIdentifier ?? string.Empty));
    }

    void Came(object sender, PSEventArgs e) => _came.Set();

    protected override void StopProcessing()
    {
        _stopped = true;
        _came.Set();
    }
}

/// <summary>Gets the subscribers of this session.</summary>
[Cmdlet(VerbsCommon.Get, "EventSubscriber", DefaultParameterSetName = "BySource")]
[OutputType(typeof(PSEventSubscriber))]
public class GetEventSubscriberCommand : PSCmdlet
{
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true, ParameterSetName = "BySource")] public string SourceIdentifier { get; set; } = "*";
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true, ParameterSetName = "ById")] [Alias("Id")] public int SubscriptionId { get; set; } = -1;
    [Parameter(Position = 1)] public SwitchParameter Force { get; set; }

    protected override void ProcessRecord()
    {
        WildcardPattern pattern = WildcardPattern.Get(SourceIdentifier, WildcardOptions.IgnoreCase);
        bool any = false;
        foreach (PSEventSubscriber s in Events.Subscribers.ToList())
        {
            if (SubscriptionId >= 0 ? s.SubscriptionId != SubscriptionId : !pattern.IsMatch(s.SourceIdentifier ?? string.Empty)) continue;
            if (s.SupportEvent && !Force) continue;
            any = true;
            WriteObject(s);
        }
        if (!any && (SubscriptionId >= 0 || !WildcardPattern.ContainsWildcardCharacters(SourceIdentifier)))
            WriteError(new ErrorRecord(new ArgumentException("There is no such event subscriber."),
                SubscriptionId >= 0 ? "INVALID_SUBSCRIPTION_IDENTIFIER" : "INVALID_SOURCE_IDENTIFIER", ErrorCategory.InvalidArgument, null));
    }
}

/// <summary>Ends subscriptions.</summary>
[Cmdlet(VerbsLifecycle.Unregister, "Event", DefaultParameterSetName = "BySource", SupportsShouldProcess = true)]
public class UnregisterEventCommand : PSCmdlet
{
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true, ParameterSetName = "BySource")] public string SourceIdentifier { get; set; }
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true, ParameterSetName = "ById")] public int SubscriptionId { get; set; } = -1;
    [Parameter] public SwitchParameter Force { get; set; }

    protected override void ProcessRecord()
    {
        WildcardPattern pattern = SourceIdentifier == null ? null : WildcardPattern.Get(SourceIdentifier, WildcardOptions.IgnoreCase);
        List<PSEventSubscriber> meant = Events.Subscribers.Where(s => pattern == null ? s.SubscriptionId == SubscriptionId
            : pattern.IsMatch(s.SourceIdentifier ?? string.Empty) && (!s.SupportEvent || Force)).ToList();
        foreach (PSEventSubscriber s in meant)
            if (ShouldProcess($"Event subscription '{s.SourceIdentifier}'", "Unsubscribe")) Events.UnsubscribeEvent(s);
        if (meant.Count == 0 && (SourceIdentifier == null || !WildcardPattern.ContainsWildcardCharacters(SourceIdentifier)))
            WriteError(new ErrorRecord(new ArgumentException("There is no such event subscription."),
                SourceIdentifier == null ? "INVALID_SUBSCRIPTION_IDENTIFIER" : "INVALID_SOURCE_IDENTIFIER", ErrorCategory.InvalidArgument, null));
    }
}
