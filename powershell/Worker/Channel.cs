// Channel.cs - frames over the protocol descriptor.
//
// The descriptor the server gave is moved to a number of our own that child processes do not inherit, before any script runs:
// a program that a script starts finds nothing of it. Writing is for any thread; reading is for one.

using System;
using System.Buffers.Binary;
using System.IO;
using System.Runtime.InteropServices;

namespace Reactions.PowerShell;

// The server has closed the descriptor: there is nobody to tell.
internal sealed class ServerGoneException : IOException { }

internal sealed unsafe class Channel
{
    const int MaximumFrame = 32 * 1024 * 1024;

    readonly int descriptor;
    readonly object writing = new();
    byte[] outgoing = new byte[4096];

    public Channel(int inherited)
    {
        descriptor = fcntl(inherited, F_DUPFD_CLOEXEC, 64);
        if (descriptor < 0)
            throw new IOException($"descriptor {inherited} is not open (error {Marshal.GetLastPInvokeError()}); the server passes a connected socket there");
        close(inherited);
    }

    // The next frame, or null when the server is gone.
    public byte[] Read()
    {
        byte* head = stackalloc byte[4];
        if (!ReadAll(head, 4))
            return null;
        uint length = BinaryPrimitives.ReadUInt32BigEndian(new ReadOnlySpan<byte>(head, 4));
        if (length is 0 or > MaximumFrame)
            throw new IOException($"the server sent a frame of {length} bytes; a frame has 1 to {MaximumFrame}");
        var frame = new byte[length];
        fixed (byte* to = frame)
            return ReadAll(to, (int)length) ? frame : null;
    }

    bool ReadAll(byte* to, int count)
    {
        for (int have = 0; have < count;)
        {
            nint got = recv(descriptor, to + have, (nuint)(count - have), 0);
            if (got > 0)
                have += (int)got;
            else if (got == 0 || Marshal.GetLastPInvokeError() != EINTR)
                return false;
        }
        return true;
    }

    public void Write(JsonText frame)
    {
        ReadOnlySpan<byte> json = frame.Written;
        if (json.Length > MaximumFrame)
            throw new IOException($"a frame of {json.Length} bytes is too long; {MaximumFrame} is the most");
        lock (writing)
        {
            int total = json.Length + 4;
            if (outgoing.Length < total)
                outgoing = new byte[total];
            BinaryPrimitives.WriteInt32BigEndian(outgoing, json.Length);
            json.CopyTo(outgoing.AsSpan(4));
            fixed (byte* from = outgoing)
                for (int sent = 0; sent < total;)
                {
                    nint count = send(descriptor, from + sent, (nuint)(total - sent), MSG_NOSIGNAL);
                    if (count > 0)
                        sent += (int)count;
                    else if (Marshal.GetLastPInvokeError() != EINTR)
                        throw new ServerGoneException();
                }
            if (outgoing.Length > 1 << 20)
                outgoing = new byte[4096];
        }
    }

    const int F_DUPFD_CLOEXEC = 1030, MSG_NOSIGNAL = 0x4000, EINTR = 4;

    [DllImport("libc", SetLastError = true)] static extern nint recv(int descriptor, byte* buffer, nuint count, int flags);
    [DllImport("libc", SetLastError = true)] static extern nint send(int descriptor, byte* buffer, nuint count, int flags);
    [DllImport("libc", SetLastError = true)] static extern int fcntl(int descriptor, int command, int argument);
    [DllImport("libc")] static extern int close(int descriptor);
}
