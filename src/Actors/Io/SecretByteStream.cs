using System.Buffers;
using HyperActors.Crypto;
using HyperActors.Wire;

namespace HyperActors.Actors;

/// <summary>The secret stream over any stream of bytes: a handshake, then everything encrypted. For who has no actor and no channels.</summary>
/// <remarks>One may read and one may write at a time. It ends with the stream below, which stays the caller's.</remarks>
public sealed class SecretByteStream : Stream
{
    // With its length and its overhead a frame fills one piece of the stream below.
    private const int MaxMessage = (64 * 1024) - FrameCodec.HeaderSize - SecretStream.Overhead;
    private const int ReadSize = 256 * 1024;

    private static readonly LinkOptions Options = new() { KeepAliveInterval = TimeSpan.Zero };

    private readonly Stream _below;
    private readonly FrameStage _frames = new(Options.MaxFrameSize);
    private readonly EncryptStage _encrypt;
    private readonly ArrayBufferWriter<byte> _plain = new();
    private readonly byte[] _read = new byte[ReadSize];
    private readonly byte[] _frame = new byte[64 * 1024];
    private int _plainStart;

    private SecretByteStream(Stream below, bool isInitiator, KeyPair keys, RandomSource random)
    {
        _below = below;
        _encrypt = new EncryptStage(Options, isInitiator, keys, random, TimeSpan.Zero);
    }

    /// <summary>Who is at the other end.</summary>
    public PublicKey RemotePublicKey => _encrypt.Session!.RemotePublicKey;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Shakes hands over a stream.</summary>
    /// <param name="below">The stream.</param>
    /// <param name="isInitiator">True for the side that speaks first.</param>
    /// <param name="keys">Our identity.</param>
    /// <param name="random">The door to chance.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <exception cref="IOException">The peer speaks another protocol, or went away.</exception>
    public static async Task<SecretByteStream> ConnectAsync(
        Stream below, bool isInitiator, KeyPair keys, RandomSource random, CancellationToken cancellationToken = default)
    {
        var stream = new SecretByteStream(below, isInitiator, keys, random);
        try
        {
            await stream.SendSetupAsync(cancellationToken).ConfigureAwait(false);
            while (!stream._encrypt.IsOpen)
            {
                if (!await stream.ReadMoreAsync(cancellationToken).ConfigureAwait(false))
                {
                    throw new IOException("the peer hung up before the handshake was done");
                }

                await stream.SendSetupAsync(cancellationToken).ConfigureAwait(false);
            }

            return stream;
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_plainStart == _plain.WrittenCount)
        {
            _plain.ResetWrittenCount();
            _plainStart = 0;
            if (!await ReadMoreAsync(cancellationToken).ConfigureAwait(false))
            {
                return 0;
            }
        }

        int count = Math.Min(buffer.Length, _plain.WrittenCount - _plainStart);
        _plain.WrittenMemory.Slice(_plainStart, count).CopyTo(buffer);
        _plainStart += count;
        return count;
    }

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            int count = Math.Min(MaxMessage, buffer.Length);
            int size = count + SecretStream.Overhead;
            FrameCodec.EncodeHeader(_frame, size);
            _encrypt.Encrypt(buffer.Span[..count], _frame.AsSpan(FrameCodec.HeaderSize, size), TimeSpan.Zero);
            await _below.WriteAsync(_frame.AsMemory(0, FrameCodec.HeaderSize + size), cancellationToken).ConfigureAwait(false);
            buffer = buffer[count..];
        }
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override void Flush()
    {
        // Every write is a frame of its own.
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _encrypt.Dispose();
            _frames.Dispose();
        }

        base.Dispose(disposing);
    }

    private async ValueTask SendSetupAsync(CancellationToken cancellationToken)
    {
        var message = new ArrayBufferWriter<byte>();
        while (_encrypt.TryPollTransmit(message, TimeSpan.Zero))
        {
            byte[] frame = new byte[FrameCodec.HeaderSize + message.WrittenCount];
            FrameCodec.EncodeHeader(frame, message.WrittenCount);
            message.WrittenSpan.CopyTo(frame.AsSpan(FrameCodec.HeaderSize));
            await _below.WriteAsync(frame, cancellationToken).ConfigureAwait(false);
            message.ResetWrittenCount();
        }
    }

    private async ValueTask<bool> ReadMoreAsync(CancellationToken cancellationToken)
    {
        int count = await _below.ReadAsync(_read, cancellationToken).ConfigureAwait(false);
        if (count > 0)
        {
            Take(count);
        }

        return count > 0;
    }

    private void Take(int count)
    {
        _frames.HandleInput(new ReadOnlySequence<byte>(_read, 0, count), TimeSpan.Zero);
        while (_frames.TryPollEvent(out FrameEvent frame))
        {
            if (frame.Kind == FrameEventKind.Failed)
            {
                throw Broken(frame.Error);
            }

            _encrypt.HandleFrame(frame.Body, TimeSpan.Zero, 0);
            while (_encrypt.TryPollEvent(out EncryptEvent e))
            {
                if (e.Kind == EncryptEventKind.Failed)
                {
                    throw Broken(e.Error);
                }

                _plain.Write(e.Message);
            }
        }
    }

    private static IOException Broken(WireError error) => new($"the peer broke the encrypted stream: {error}");
}
