// JsonText.cs - writes JSON into a byte buffer that is used again and again.
//
// Any .NET string is acceptable: half surrogates, which scripts can make, come out as U+FFFD, so what is written is
// always valid UTF-8. A maximum can be set; going beyond it throws TooLongException and the caller cuts back to a mark.

using System;
using System.Buffers.Text;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Reactions.PowerShell;

internal sealed class TooLongException : Exception { }

internal sealed class JsonText
{
    byte[] bytes;
    bool isFirst = true;

    public JsonText(int capacity = 1024) => bytes = new byte[capacity];

    public int Length { get; private set; }
    public int Maximum { get; set; } = int.MaxValue;
    public ReadOnlySpan<byte> Written => bytes.AsSpan(0, Length);

    public void Clear()
    {
        if (bytes.Length > 1 << 20)
            bytes = new byte[1024];
        Length = 0;
        isFirst = true;
    }

    // Cuts back to an earlier Length at which a value was just about to be written (or after one, with isFirst false).
    public void CutTo(int length, bool wasFirst)
    {
        Length = length;
        isFirst = wasFirst;
    }

    public bool IsFirst => isFirst;

    Span<byte> Room(int count)
    {
        if (Length + count > bytes.Length)
            Array.Resize(ref bytes, Math.Max(bytes.Length * 2, Length + count));
        return bytes.AsSpan(Length);
    }

    void Add(int count)
    {
        Length += count;
        if (Length > Maximum)
            throw new TooLongException();
    }

    void Put(byte b)
    {
        Room(1)[0] = b;
        Add(1);
    }

    void Comma()
    {
        if (!isFirst)
            Put((byte)',');
        isFirst = false;
    }

    public JsonText BeginObject() { Comma(); Put((byte)'{'); isFirst = true; return this; }
    public JsonText EndObject() { Put((byte)'}'); isFirst = false; return this; }
    public JsonText BeginArray() { Comma(); Put((byte)'['); isFirst = true; return this; }
    public JsonText EndArray() { Put((byte)']'); isFirst = false; return this; }

    public JsonText Name(string name)
    {
        Comma();
        Quoted(name);
        Put((byte)':');
        isFirst = true;
        return this;
    }

    public JsonText Value(string text)
    {
        Comma();
        if (text == null) Raw("null"u8); else Quoted(text);
        return this;
    }

    public JsonText Value(long number)
    {
        Comma();
        Utf8Formatter.TryFormat(number, Room(20), out int count);
        Add(count);
        return this;
    }

    public JsonText Value(bool value)
    {
        Comma();
        Raw(value ? "true"u8 : "false"u8);
        return this;
    }

    public JsonText Value(BigInteger number) => Number(number.ToString(CultureInfo.InvariantCulture));

    // JSON knows neither infinities nor NaN: they come out as text, as ConvertTo-Json writes them.
    public JsonText Value(double number)
    {
        string text = number.ToString("R", CultureInfo.InvariantCulture);
        if (!double.IsFinite(number))
            return Value(text);
        return Number(text.AsSpan().IndexOfAny('.', 'E') < 0 ? text + ".0" : text);
    }

    public JsonText Number(string text)
    {
        Comma();
        int count = Encoding.ASCII.GetBytes(text, Room(text.Length));
        Add(count);
        return this;
    }

    // Valid JSON, as another JsonText wrote it.
    public JsonText Json(ReadOnlySpan<byte> json)
    {
        Comma();
        Raw(json);
        return this;
    }

    void Raw(ReadOnlySpan<byte> data)
    {
        data.CopyTo(Room(data.Length));
        Add(data.Length);
    }

    void Quoted(string text)
    {
        // Long text is written in pieces, so that a maximum stops it before the buffer has grown to hold all of it.
        const int Piece = 16384;
        Put((byte)'"');
        for (int at = 0; at < text.Length;)
        {
            int count = Math.Min(Piece, text.Length - at);
            if (count == Piece && char.IsHighSurrogate(text[at + count - 1]))
                count--;
            Escaped(text.AsSpan(at, count));
            at += count;
        }
        Put((byte)'"');
    }

    void Escaped(ReadOnlySpan<char> text)
    {
        while (text.Length > 0)
        {
            int plain = 0;
            while (plain < text.Length && text[plain] >= ' ' && text[plain] != '"' && text[plain] != '\\')
                plain++;
            if (plain > 0)
            {
                Add(Encoding.UTF8.GetBytes(text[..plain], Room(plain * 3)));
                text = text[plain..];
                continue;
            }
            char c = text[0];
            switch (c)
            {
                case '"': Raw("\\\""u8); break;
                case '\\': Raw("\\\\"u8); break;
                case '\n': Raw("\\n"u8); break;
                case '\r': Raw("\\r"u8); break;
                case '\t': Raw("\\t"u8); break;
                default: Raw("\\u00"u8); Put(Hex(c >> 4)); Put(Hex(c & 15)); break;
            }
            text = text[1..];
        }
    }

    static byte Hex(int digit) => (byte)(digit < 10 ? '0' + digit : 'a' + digit - 10);
}
