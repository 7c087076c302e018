// TestJsonCommand.cs - Test-Json.

using System;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.PowerShell.Commands;

/// <summary>Says whether text is JSON, strictly read.</summary>
[Cmdlet(VerbsDiagnostic.Test, "Json", DefaultParameterSetName = JsonText)]
[OutputType(typeof(bool))]
public class TestJsonCommand : PSCmdlet
{
    const string JsonText = "JsonString", TextWithSchema = "JsonStringWithSchemaString", TextWithFile = "JsonStringWithSchemaFile",
        JsonPath = "JsonPath", PathWithSchema = "JsonPathWithSchemaString", PathWithFile = "JsonPathWithSchemaFile",
        JsonLiteral = "JsonLiteralPath", LiteralWithSchema = "JsonLiteralPathWithSchemaString", LiteralWithFile = "JsonLiteralPathWithSchemaFile";

    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true, ParameterSetName = JsonText)]
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true, ParameterSetName = TextWithSchema)]
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true, ParameterSetName = TextWithFile)]
    public string Json { get; set; }

    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = JsonPath)]
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = PathWithSchema)]
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = PathWithFile)]
    public string Path { get; set; }

    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = JsonLiteral)]
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = LiteralWithSchema)]
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = LiteralWithFile)]
    [Alias("PSPath", "LP")]
    public string LiteralPath { get; set; }

    [Parameter(Position = 1, Mandatory = true, ParameterSetName = TextWithSchema)]
    [Parameter(Position = 1, Mandatory = true, ParameterSetName = PathWithSchema)]
    [Parameter(Position = 1, Mandatory = true, ParameterSetName = LiteralWithSchema)]
    [ValidateNotNullOrEmpty]
    public string Schema { get; set; }

    [Parameter(Position = 1, Mandatory = true, ParameterSetName = TextWithFile)]
    [Parameter(Position = 1, Mandatory = true, ParameterSetName = PathWithFile)]
    [Parameter(Position = 1, Mandatory = true, ParameterSetName = LiteralWithFile)]
    [ValidateNotNullOrEmpty]
    public string SchemaFile { get; set; }

    [Parameter] [ValidateNotNullOrEmpty] [ValidateSet("IgnoreComments", "AllowTrailingCommas")] public string[] Options { get; set; } = [];

    protected override void BeginProcessing()
    {
        if (Schema == null && SchemaFile == null) return;
        ThrowTerminatingError(new ErrorRecord(
            new PSNotSupportedException("JSON cannot be tested against a schema here: the engine package brings no validator. Install PowerShell (pwsh) 7, or test what matters in the script after ConvertFrom-Json."),
            "SchemaNotAvailable", ErrorCategory.NotInstalled, Schema ?? SchemaFile));
    }

    protected override void ProcessRecord()
    {
        string text = Json ?? Read();
        bool Has(string option) => Options.Contains(option, StringComparer.OrdinalIgnoreCase);
        var options = new JsonDocumentOptions { AllowTrailingCommas = Has("AllowTrailingCommas"), CommentHandling = Has("IgnoreComments") ? JsonCommentHandling.Skip : JsonCommentHandling.Disallow };
        bool good = false;
        try
        {
            JsonNode.Parse(text, null, options);
            good = true;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            WriteError(new ErrorRecord(new Exception("Cannot parse the JSON: " + e.Message, e), "InvalidJson", ErrorCategory.InvalidData, text));
        }
        WriteObject(good);
    }

    string Read()
    {
        string file = LiteralPath != null ? SessionState.Path.GetUnresolvedProviderPathFromPSPath(LiteralPath)
            : Reactions.PowerShell.Engine.Files.Resolve(this, Path, false);
        if (!File.Exists(file))
            ThrowTerminatingError(new ErrorRecord(new ItemNotFoundException($"Cannot find path '{file}' because it does not exist."), "PathNotFound", ErrorCategory.ObjectNotFound, Path ?? LiteralPath));
        return File.ReadAllText(file);
    }
}
