// StartProcessCommand.cs - Start-Process.

using System;
using System.Collections;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Threading;
using System.Threading.Tasks;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

/// <summary>Starts a program.</summary>
[Cmdlet(VerbsLifecycle.Start, "Process", DefaultParameterSetName = "Default", SupportsShouldProcess = true)]
[OutputType(typeof(Process))]
public sealed class StartProcessCommand : PSCmdlet, IDisposable
{
    [Parameter(Mandatory = true, Position = 0)] [ValidateNotNullOrEmpty] [Alias("PSPath", "Path")] public string FilePath { get; set; }
    [Parameter(Position = 1)] [Alias("Args")] public string[] ArgumentList { get; set; }
    [Parameter(ParameterSetName = "Default")] [Alias("RunAs")] [ValidateNotNullOrEmpty] [Credential] public PSCredential Credential { get; set; }
    [Parameter] [ValidateNotNullOrEmpty] public string WorkingDirectory { get; set; }
    [Parameter(ParameterSetName = "Default")] [Alias("Lup")] public SwitchParameter LoadUserProfile { get; set; }
    [Parameter(ParameterSetName = "Default")] [Alias("nnw")] public SwitchParameter NoNewWindow { get; set; }
    [Parameter] public SwitchParameter PassThru { get; set; }
    [Parameter(ParameterSetName = "Default")] [Alias("RSE")] [ValidateNotNullOrEmpty] public string RedirectStandardError { get; set; }
    [Parameter(ParameterSetName = "Default")] [Alias("RSI")] [ValidateNotNullOrEmpty] public string RedirectStandardInput { get; set; }
    [Parameter(ParameterSetName = "Default")] [Alias("RSO")] [ValidateNotNullOrEmpty] public string RedirectStandardOutput { get; set; }
    [Parameter(ParameterSetName = "UseShellExecute")] [ValidateNotNullOrEmpty] public string Verb { get; set; }
    [Parameter] public ProcessWindowStyle WindowStyle { get; set; }
    [Parameter] public SwitchParameter Wait { get; set; }
    [Parameter(ParameterSetName = "Default")] public SwitchParameter UseNewEnvironment { get; set; }
    [Parameter] public Hashtable Environment { get; set; }

    readonly CancellationTokenSource _stop = new();

    protected override void BeginProcessing()
    {
        ProcessStartInfo info = StartInfo();
        if (!ShouldProcess($"{info.FileName} {info.Arguments}".Trim(), "Start-Process")) return;
        var process = new Process { StartInfo = info };
        try { process.Start(); }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException or IOException)
        {
            Refuse(new InvalidOperationException($"This command cannot be run due to the error: {e.Message}", e));
        }
        Task copied = Task.WhenAll(Redirections(process, info));
        if (PassThru) _ = process.SafeHandle;    // keeps the exit code readable after the end
        if (Wait)
        {
            try
            {
                process.WaitForExitAsync(_stop.Token).GetAwaiter().GetResult();
                copied.Wait(_stop.Token);
            }
            catch (OperationCanceledException) { process.Kill(); }
        }
        if (PassThru) WriteObject(process);
    }

    protected override void StopProcessing() => _stop.Cancel();
    public void Dispose() => _stop.Dispose();

    ProcessStartInfo StartInfo()
    {
        var info = new ProcessStartInfo { FileName = Program(), UseShellExecute = false, Arguments = string.Join(' ', ArgumentList ?? []) };
        info.WorkingDirectory = WorkingDirectory == null ? SessionState.Path.CurrentFileSystemLocation.ProviderPath : Folder(WorkingDirectory);
        if (UseNewEnvironment) info.Environment.Clear();
        foreach (DictionaryEntry entry in Environment ?? [])
        {
            if (entry.Value == null) info.Environment.Remove(entry.Key.ToString());
            else info.Environment[entry.Key.ToString()] = entry.Value.ToString();
        }
        if (Credential != null && Credential != PSCredential.Empty)
            Refuse(new PlatformNotSupportedException("Starting a program as another user is not supported on this platform."));
        string[] files = new[] { RedirectStandardInput, RedirectStandardOutput, RedirectStandardError }.Where(f => f != null).Select(f => Files.Resolve(this, f, true)).ToArray();
        if (files.Distinct().Count() < files.Length)
            Refuse(new InvalidOperationException("This command cannot be run because the redirections name the same file. Give different inputs and run the command again."));
        info.RedirectStandardInput = RedirectStandardInput != null;
        info.RedirectStandardOutput = RedirectStandardOutput != null;
        info.RedirectStandardError = RedirectStandardError != null;
        return info;
    }

    // A name means the program that the shell would run; a path is relative to the current location.
    string Program()
    {
        CommandInfo found = InvokeCommand.GetCommand(FilePath, CommandTypes.Application | CommandTypes.ExternalScript);
        return found is ApplicationInfo program ? program.Path : found is ExternalScriptInfo script ? script.Path : FilePath;
    }

    string Folder(string path)
    {
        string folder = Files.Resolve(this, path, false);
        if (!Directory.Exists(folder))
            Refuse(new DirectoryNotFoundException($"This command cannot be run because the working directory \"{path}\" does not exist."), "FileNotFoundException");
        return folder;
    }

    IEnumerable<Task> Redirections(Process process, ProcessStartInfo info)
    {
        if (info.RedirectStandardOutput) yield return Copy(process.StandardOutput.BaseStream, RedirectStandardOutput);
        if (info.RedirectStandardError) yield return Copy(process.StandardError.BaseStream, RedirectStandardError);
        if (info.RedirectStandardInput)
        {
            FileStream from = Files.OpenToRead(this, RedirectStandardInput, true);
            Stream to = process.StandardInput.BaseStream;
            yield return Task.Run(async () =>
            {
                await using (from)
                await using (to)
                {
                    try { await from.CopyToAsync(to); }
                    catch (IOException) { }    // the program did not want to read it all
                }
            });
        }
    }

    Task Copy(Stream from, string path)
    {
        FileStream to = Files.OpenToWrite(this, path, true, false, true, false);
        return Task.Run(async () =>
        {
            await using (to)
            {
                var block = new byte[16384];
                for (int read; (read = await from.ReadAsync(block)) > 0;)
                {
                    await to.WriteAsync(block.AsMemory(0, read));
                    await to.FlushAsync();
                }
            }
        });
    }

    void Refuse(Exception e, string id = "InvalidOperationException") => ThrowTerminatingError(new ErrorRecord(e, id, ErrorCategory.InvalidOperation, null));
}
