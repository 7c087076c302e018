// NewOctopusReleaseCommand.cs - New-OctopusRelease: from the project, the channel, the packages its steps need, to the release.

using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;

namespace Reactions.PowerShell;

/// <summary>Creates a release. Package versions: by -Packages for one step or package, else -PackageVersion for all, else the newest the channel allows.</summary>
[Cmdlet(VerbsCommon.New, "OctopusRelease", SupportsShouldProcess = true)]
public sealed class NewOctopusReleaseCommand : OctopusCommand
{
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)] public object Project { get; set; }
    [Parameter(Position = 1)][Alias("Number", "ReleaseVersion", "ReleaseNumber")] public string Version { get; set; }
    [Parameter] public object Channel { get; set; }
    [Parameter] public string PackageVersion { get; set; }
    /// <summary>A dictionary, or texts such as "Deploy web:1.2.3", "Deploy web:Reference:1.2.3", "Acme.Web:1.2.3".</summary>
    [Parameter][Alias("Package")] public object Packages { get; set; }
    [Parameter][Alias("Notes")][AllowEmptyString][AllowNull] public string ReleaseNotes { get; set; }
    [Parameter] public string GitRef { get; set; }
    [Parameter] public SwitchParameter IgnoreChannelRules { get; set; }
    /// <summary>Gives the release that is already there instead of failing.</summary>
    [Parameter] public SwitchParameter IgnoreIfExists { get; set; }

    sealed class Need
    {
        public string Step, Reference, PackageId, FeedId, FeedName, FixedVersion, LastVersion;
        public bool IsResolvable;
        public string Name => string.IsNullOrEmpty(Reference) ? Step : $"{Step}:{Reference}";
    }

    protected override void ProcessRecord()
    {
        PSObject project = Find("project", "projects", Project);
        string projectId = Text(project, "Id");
        PSObject channel = FindChannel(project);
        object template = Template(project, Text(channel, "Id"));
        Need[] needs = [.. List(template, "Packages").Select(NeedOf)];
        (Need Need, string Version)[] selected = Select(needs, channel);
        string version = Version ?? ChooseVersion(template, project, selected);

        if (IgnoreIfExists && TryGet($"{Space}/projects/{projectId}/releases/{Uri.EscapeDataString(version)}") is { } existing)
        {
            WriteVerbose($"The project {Text(project, "Name")} already has a release {version}.");
            WriteObject(existing);
            return;
        }
        var body = new Hashtable {
            ["ProjectId"] = projectId, ["ChannelId"] = Text(channel, "Id"), ["Version"] = version, ["ReleaseNotes"] = ReleaseNotes,
            ["SelectedPackages"] = selected.Select(s => new Hashtable { ["ActionName"] = s.Need.Step, ["PackageReferenceName"] = s.Need.Reference ?? string.Empty, ["Version"] = s.Version }).ToArray() };
        if (GitRef != null)
            body["VersionControlReference"] = new Hashtable { ["GitRef"] = GitRef };
        if (!ShouldProcess(Text(project, "Name"), $"Create release {version}"))
            return;
        object release = Post($"{Space}/releases", With("ignoreChannelRules", IgnoreChannelRules ? "True" : "False"), body, out bool isWithheld);
        if (isWithheld)
            release = Made("Id", "Releases" + WithheldSuffix, "ProjectId", projectId, "ChannelId", Text(channel, "Id"), "Version", version, "ReleaseNotes", ReleaseNotes, "Withheld", true);
        else
            Run.Log.Add(Level.Verbose, $"Created release {version} of {Text(project, "Name")} ({Text(release, "Id")}).");
        WriteObject(release);
    }

    PSObject FindChannel(PSObject project)
    {
        PSObject[] channels = [.. Items($"{Space}/projects/{Text(project, "Id")}/channels", With("take", 1000))];
        if (Channel == null)
            return channels.FirstOrDefault(c => Flag(c, "IsDefault")) ?? channels.FirstOrDefault()
                ?? throw Stop($"The project {Text(project, "Name")} has no channel that {Client.Identity} may see.", project, "NoChannel");
        string wanted = Text(Channel, "Id") ?? Channel.ToString();
        return channels.FirstOrDefault(c => Is(c, wanted))
            ?? throw Stop($"The project {Text(project, "Name")} has no channel '{wanted}'. It has: {string.Join(", ", channels.Select(c => Text(c, "Name")))}.", wanted, "NoChannel");
    }

    // What a release of this project needs, in Octopus's own words.
    object Template(PSObject project, string channelId)
    {
        Hashtable query = With("channel", channelId);
        if (Same(Text(Member(project, "PersistenceSettings"), "Type"), "VersionControlled"))
        {
            string gitRef = GitRef ?? Text(Member(project, "PersistenceSettings"), "DefaultBranch") ?? "main";
            return Get($"{Space}/projects/{Text(project, "Id")}/{Uri.EscapeDataString(gitRef)}/deploymentprocesses/template", query);
        }
        string process = Text(project, "DeploymentProcessId") ?? "deploymentprocess-" + Text(project, "Id");
        return Get($"{Space}/deploymentprocesses/{Uri.EscapeDataString(process)}/template", query);
    }

    static Need NeedOf(PSObject package) => new() {
        Step = Text(package, "ActionName") ?? Text(package, "StepName"), Reference = Text(package, "PackageReferenceName"),
        PackageId = Text(package, "PackageId") ?? Text(package, "NuGetPackageId"), FeedId = Text(package, "FeedId") ?? Text(package, "NuGetFeedId"),
        FeedName = Text(package, "FeedName") ?? Text(package, "NuGetFeedName"), FixedVersion = Text(package, "FixedVersion"),
        LastVersion = Text(package, "VersionSelectedLastRelease"), IsResolvable = Member(package, "IsResolvable") is not false };

    (Need, string)[] Select(Need[] needs, PSObject channel)
    {
        Dictionary<string, string> given = Given();
        var used = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var selected = new List<(Need, string)>();
        foreach (Need need in needs)
        {
            string key = new[] { need.Name, need.PackageId, need.Step }.FirstOrDefault(k => k != null && given.ContainsKey(k));
            if (key != null)
                used.Add(key);
            if (key == null && !string.IsNullOrEmpty(need.FixedVersion))
                continue; // the process itself names the version
            selected.Add((need, key != null ? given[key] : PackageVersion ?? Newest(need, channel)));
        }
        string[] unknown = [.. given.Keys.Where(k => !used.Contains(k))];
        if (unknown.Length > 0)
            throw Stop($"-Packages names '{unknown[0]}', which is no package step or package of this process. " +
                (needs.Length == 0 ? "The process has no package step." : $"There are: {string.Join(", ", needs.Select(n => $"{n.Name} ({n.PackageId})"))}."), unknown[0], "UnknownPackage");
        return [.. selected];
    }

    Dictionary<string, string> Given()
    {
        var given = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        object packages = (Packages as PSObject)?.BaseObject ?? Packages;
        if (packages is IDictionary dictionary)
        {
            foreach (DictionaryEntry entry in dictionary)
                given[entry.Key.ToString()] = entry.Value?.ToString();
            return given;
        }
        foreach (object item in packages is string or null ? new[] { packages } : ((IEnumerable)packages).Cast<object>())
        {
            string text = item?.ToString();
            if (string.IsNullOrWhiteSpace(text))
                continue;
            int at = text.LastIndexOfAny([':', '=']);
            if (at <= 0 || at == text.Length - 1)
                throw Stop($"-Packages: '{text}' should be a step or a package, a colon and a version, such as 'Deploy web:1.2.3'.", text, "BadPackage");
            given[text[..at].Trim()] = text[(at + 1)..].Trim();
        }
        return given;
    }

    string Newest(Need need, PSObject channel)
    {
        string what = $"the step '{need.Name}' (package {need.PackageId}, feed {need.FeedName ?? need.FeedId})";
        if (!need.IsResolvable || string.IsNullOrEmpty(need.FeedId) || string.IsNullOrEmpty(need.PackageId) || need.FeedId.Contains("#{", StringComparison.Ordinal) || need.PackageId.Contains("#{", StringComparison.Ordinal))
            throw Stop($"The package of {what} is known only when it is deployed, so its version cannot be looked up. Give one: -Packages '{need.Name}:VERSION' or -PackageVersion VERSION.", need.Name, "PackageNotResolvable");
        PSObject rule = List(channel, "Rules").FirstOrDefault(r => Applies(r, need));
        object answer = Get($"{Space}/feeds/{Uri.EscapeDataString(need.FeedId)}/packages/versions", With(
            "packageId", need.PackageId, "take", 1, "versionRange", NotEmpty(Text(rule, "VersionRange")), "preReleaseTag", NotEmpty(Text(rule, "Tag"))));
        return List(answer, "Items").Select(i => Text(i, "Version")).FirstOrDefault(v => !string.IsNullOrEmpty(v))
            ?? throw Stop($"The feed has no version for {what}" + (rule != null ? $" that the channel {Text(channel, "Name")} allows" : string.Empty) +
                $". Push one, or give it: -Packages '{need.Name}:VERSION' or -PackageVersion VERSION.", need.Name, "NoPackageVersion");
    }

    static bool Applies(PSObject rule, Need need) =>
        List(rule, "ActionPackages").Any(p => Same(Text(p, "DeploymentAction"), need.Step) && Same(Text(p, "PackageReference") ?? string.Empty, need.Reference ?? string.Empty)) ||
        (Member(rule, "Actions") as object[] ?? []).OfType<string>().Any(a => Same(a, need.Step));

    static string NotEmpty(string text) => string.IsNullOrEmpty(text) ? null : text;

    string ChooseVersion(object template, PSObject project, (Need Need, string Version)[] selected)
    {
        // A project may take its number from a package.
        string step = Text(template, "VersioningPackageStepName"), reference = Text(template, "VersioningPackageReferenceName");
        if (!string.IsNullOrEmpty(step) && selected.FirstOrDefault(s => Same(s.Need.Step, step) && Same(s.Need.Reference ?? string.Empty, reference ?? string.Empty)).Version is { } version)
            return version;
        return NotEmpty(Text(template, "NextVersionIncrement"))
            ?? throw Stop($"Octopus proposes no number for the next release of {Text(project, "Name")}. Give one: -Version.", project, "NoVersion");
    }
}
