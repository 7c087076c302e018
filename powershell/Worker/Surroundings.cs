// Surroundings.cs - what a script can change around its runspace, put back after each run.
//
// A fresh runspace is not a fresh process. Environment variables, directories, cultures, console and connection settings are
// restored and the working folder is emptied. What cannot be undone is left for the server, which gives a
// process to one reaction only: static fields, loaded assemblies, members added to small numbers. Processes, threads and timers that outlive their
// run are reported, so that the server replaces this process.

using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;

namespace Reactions.PowerShell;

internal sealed unsafe class Surroundings
{
    readonly Dictionary<string, string> environment = Variables();
    readonly TextWriter consoleOut, consoleError;
    readonly Encoding consoleEncoding = Console.OutputEncoding;
    readonly CultureInfo culture = CultureInfo.CurrentCulture, uiCulture = CultureInfo.CurrentUICulture;
#pragma warning disable SYSLIB0014 // obsolete, but scripts set it
    readonly SecurityProtocolType protocol = ServicePointManager.SecurityProtocol;
    readonly int connectionLimit = ServicePointManager.DefaultConnectionLimit;
    readonly bool expectContinue = ServicePointManager.Expect100Continue;
#pragma warning restore SYSLIB0014
    HashSet<string> threadsBefore;
    long timersBefore;

    // The folder scripts start in. Private to this process; emptied after each run.
    public string Folder { get; }

    public Surroundings(string folder, TextWriter consoleOut, TextWriter consoleError)
    {
        Folder = folder;
        (this.consoleOut, this.consoleError) = (consoleOut, consoleError);
        BeforeRun();
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); // what a script's child starts and leaves becomes ours, and is seen below
    }

    // What is there before a script runs. Taken when everything is prepared, off the path of the run.
    public void BeforeRun()
    {
        threadsBefore = Threads();
        timersBefore = Timer.ActiveCount;
    }

    // Why this process should not be used again, or null. Ends what still runs.
    public string AfterRun()
    {
        string left = null;
        if (HasChildren())
        {
            KillDescendants();
            left = "the script left processes running";
        }
        string[] more = [.. Threads().Where(t => !threadsBefore.Contains(t)).Select(Name).Where(n => n != null && !n.StartsWith(".NET ", StringComparison.Ordinal))];
        if (more.Length > 0)
            left ??= $"the script left threads running ({string.Join(", ", more)})";
        if (Timer.ActiveCount > timersBefore)
            left ??= "the script left timers running";
        return left;
    }

    public void Restore()
    {
        Dictionary<string, string> now = Variables();
        foreach (string name in now.Keys.Where(n => !environment.ContainsKey(n)))
            Environment.SetEnvironmentVariable(name, null);
        foreach ((string name, string value) in environment)
            if (!now.TryGetValue(name, out string current) || current != value)
                Environment.SetEnvironmentVariable(name, value);
        CultureInfo.CurrentCulture = culture;
        CultureInfo.CurrentUICulture = uiCulture;
        CultureInfo.DefaultThreadCurrentCulture = null;
        CultureInfo.DefaultThreadCurrentUICulture = null;
        if (!Equals(Console.OutputEncoding, consoleEncoding))
            Console.OutputEncoding = consoleEncoding;
        Console.SetOut(consoleOut);
        Console.SetError(consoleError);
#pragma warning disable SYSLIB0014
        ServicePointManager.SecurityProtocol = protocol;
        ServicePointManager.DefaultConnectionLimit = connectionLimit;
        ServicePointManager.Expect100Continue = expectContinue;
        ServicePointManager.ServerCertificateValidationCallback = null;
#pragma warning restore SYSLIB0014
        EmptyFolder();
        if (!string.Equals(Environment.CurrentDirectory, Folder, StringComparison.Ordinal))
            Environment.CurrentDirectory = Folder;
    }

    void EmptyFolder()
    {
        try
        {
            Directory.CreateDirectory(Folder);
            foreach (FileSystemInfo entry in new DirectoryInfo(Folder).EnumerateFileSystemInfos())
                if (entry is DirectoryInfo folder && folder.LinkTarget == null)
                    folder.Delete(true);
                else
                    entry.Delete();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A file that a script made undeletable. The server removes the whole folder with the process.
        }
    }

    static Dictionary<string, string> Variables()
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
            result[(string)variable.Key] = (string)variable.Value;
        return result;
    }

    static HashSet<string> Threads() => [.. Directory.EnumerateDirectories("/proc/self/task")];

    // The runtime's own threads come and go as it likes; all of them have names of theirs. Null: it has ended.
    static string Name(string thread)
    {
        try
        {
            return File.ReadAllText(thread + "/comm").TrimEnd();
        }
        catch (IOException)
        {
            return null;
        }
    }

    static bool HasChildren()
    {
        // Those that have ended but that the runtime has not yet collected are not left behind.
        byte* info = stackalloc byte[128];
        for (int tries = 0; ; tries++)
        {
            new Span<byte>(info, 128).Clear();
            if (waitid(P_ALL, 0, info, WEXITED | WNOHANG | WNOWAIT) < 0)
                return false; // ECHILD: no child at all
            bool hasEnded = ((int*)info)[0] == SIGCHLD;
            if (!hasEnded || tries == 20)
                return true;
            Thread.Sleep(1);
        }
    }

    static void KillDescendants()
    {
        // Children of ours first, then what they had: as our adopted orphans they are found in the next round.
        for (int round = 0; round < 100; round++)
        {
            List<int> children = Children();
            if (children.Count == 0)
                return;
            foreach (int child in children)
                kill(child, SIGKILL);
            Thread.Sleep(1);
        }
    }

    static List<int> Children()
    {
        var result = new List<int>();
        foreach (string process in Directory.EnumerateDirectories("/proc"))
            if (int.TryParse(Path.GetFileName(process), out int id))
                try
                {
                    string stat = File.ReadAllText(process + "/stat");
                    string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ', 3);
                    if (fields[0] is not "Z" and not "X" && int.Parse(fields[1], CultureInfo.InvariantCulture) == Environment.ProcessId)
                        result.Add(id);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    // It ended in between.
                }
        return result;
    }

    const int PR_SET_CHILD_SUBREAPER = 36, P_ALL = 0, WNOHANG = 1, WEXITED = 4, WNOWAIT = 0x01000000, SIGKILL = 9, SIGCHLD = 17;

    [DllImport("libc")] static extern int prctl(int option, nuint a, nuint b, nuint c, nuint d);
    [DllImport("libc")] static extern int waitid(int kind, int id, byte* info, int options);
    [DllImport("libc")] static extern int kill(int process, int signal);
}
