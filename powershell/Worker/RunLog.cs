// RunLog.cs - the log lines of one run, bounded, on their way to the server.
//
// Lines are batched; a process-wide thread sends what lies there, so that no line waits longer than 100 ms. Beyond the run's
// limits one last line says so and the rest is dropped. Values that were declared sensitive are masked. Thread-safe.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using System.Threading;

namespace Reactions.PowerShell;

internal enum Level { Info, Verbose, Debug, Warning, Error, Highlight, Host, Output }

internal sealed class RunLog
{
    const int BatchBytes = 64 * 1024, FlushMilliseconds = 50;

    static readonly AutoResetEvent SomethingWaits = new(false);
    static volatile RunLog current;

    readonly object guard = new();
    readonly RunIdentity run;
    readonly Channel channel;
    readonly long maximumLines, maximumBytes;
    readonly int maximumLineBytes;
    readonly JsonText batch = new(4096);
    readonly StringBuilder hostLine = new();
    readonly List<string> masked = [];
    long lines, bytes;
    bool isFull, isClosed;

    public RunLog(RunIdentity run, Channel channel, long maximumLines, long maximumBytes, int maximumLineBytes)
    {
        (this.run, this.channel) = (run, channel);
        (this.maximumLines, this.maximumBytes, this.maximumLineBytes) = (maximumLines, maximumBytes, maximumLineBytes);
        current = this;
    }

    public static void StartFlushing()
    {
        var thread = new Thread(() => {
            for (;;)
            {
                SomethingWaits.WaitOne();
                Thread.Sleep(FlushMilliseconds);
                try
                {
                    current?.Flush();
                }
                catch (System.IO.IOException)
                {
                    Environment.Exit(1);
                }
            }
        }, 256 * 1024) { IsBackground = true, Name = "log" };
        thread.Start();
    }

    public void Mask(string value)
    {
        lock (guard)
            if (value?.Length >= 4 && !masked.Contains(value))
                masked.Add(value);
    }

    public string Masked(string text)
    {
        lock (guard)
            foreach (string value in masked)
                text = text?.Replace(value, "********");
        return text;
    }

    public void Add(Level level, string text)
    {
        lock (guard)
        {
            if (isFull || isClosed)
                return;
            text = Cut(Masked(text ?? string.Empty));
            int size = Encoding.UTF8.GetByteCount(text);
            if (lines >= maximumLines - 1 || bytes + size > maximumBytes)
            {
                isFull = true;
                text = lines >= maximumLines - 1 ? $"The log is full: a run keeps {maximumLines} lines. What follows is not kept." : $"The log is full: a run keeps {maximumBytes} bytes. What follows is not kept.";
                level = Level.Warning;
            }
            lines++;
            bytes += size;
            bool wasEmpty = batch.Length == 0;
            if (wasEmpty)
                run.Begin(batch, "log").Name("Lines").BeginArray();
            batch.BeginObject().Name("Time").Value(DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture))
                .Name("Level").Value(level.ToString()).Name("Text").Value(text).EndObject();
            if (batch.Length >= BatchBytes)
                Send();
            else if (wasEmpty)
                SomethingWaits.Set();
        }
    }

    // What Write-Host -NoNewline writes becomes part of the line that ends later.
    public void AddHostPart(string text, bool endsLine)
    {
        lock (guard)
        {
            if (hostLine.Length == 0 && endsLine)
            {
                Add(Level.Host, text);
                return;
            }
            if (hostLine.Length < maximumLineBytes)
                hostLine.Append(text);
            if (endsLine)
                EndHostLine();
        }
    }

    void EndHostLine()
    {
        if (hostLine.Length == 0)
            return;
        Add(Level.Host, hostLine.ToString());
        hostLine.Clear();
    }

    string Cut(string text)
    {
        if (text.Length * 3L <= maximumLineBytes || Encoding.UTF8.GetByteCount(text) <= maximumLineBytes)
            return text;
        const string Mark = " [cut]";
        int size = 0, at = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (size + rune.Utf8SequenceLength > maximumLineBytes - Mark.Length)
                break;
            size += rune.Utf8SequenceLength;
            at += rune.Utf16SequenceLength;
        }
        return text[..at] + Mark;
    }

    public void Flush()
    {
        lock (guard)
            if (batch.Length > 0)
                Send();
    }

    void Send()
    {
        channel?.Write(batch.EndArray().EndObject());
        batch.Clear();
    }

    public void Close()
    {
        lock (guard)
        {
            EndHostLine();
            Flush();
            isClosed = true;
            if (current == this)
                current = null;
        }
    }
}
