using System.Text;
using HyperActors.Crypto;
using HyperActors.Merkle;
using HyperActors.TestKit;

namespace HyperActors.Storage.Tests;

public class OplogTests
{
    [Fact]
    public void The_checksum_is_that_of_zlib()
    {
        Assert.Equal(0xcbf43926u, Crc32.Compute("123456789"u8));
        Assert.Equal(0u, Crc32.Compute([]));
        Assert.Equal(0x414fa339u, Crc32.Compute("The quick brown fox jumps over the lazy dog"u8));
    }

    [Fact]
    public void Headers_take_turns_in_their_slots_and_void_the_entries_before_them()
    {
        var writer = new Oplog();
        var file = new MemoryDevice();
        int[] slots = new int[6];
        for (int i = 0; i < slots.Length; i++)
        {
            (int slot, byte[] frame) = writer.EncodeHeader(new OplogHeader { Fork = (ulong)i })!.Value;
            file.Write(FeedFile.Oplog, slot * Oplog.SlotSize, frame);

            // The entries stay where they were, as if the file had not been cut before the power went.
            writer.HeaderWritten(slot);
            slots[i] = slot;
            Append(writer, file, $"after {i}");

            var reader = new Oplog();
            Assert.True(reader.TryOpen(file[FeedFile.Oplog], out OplogHeader? header, out List<OplogEntry> entries));
            Assert.Equal((ulong)i, header!.Fork);
            Assert.Equal($"after {i}", Assert.Single(entries).UserData!.Value.Key);
            Assert.Equal(writer.End, reader.End);
        }

        Assert.Equal([0, 1, 0, 1, 0, 1], slots);
    }

    [Fact]
    public void A_header_that_is_torn_leaves_the_one_before_it_and_its_entries()
    {
        var writer = new Oplog();
        var file = new MemoryDevice();
        for (int i = 0; i < 5; i++)
        {
            (int slot, byte[] frame) = writer.EncodeHeader(new OplogHeader { Fork = (ulong)i })!.Value;
            if (i > 0)
            {
                for (int torn = 0; torn < frame.Length; torn += 7)
                {
                    MemoryDevice cut = file.Clone();
                    cut.Write(FeedFile.Oplog, slot * Oplog.SlotSize, frame.AsSpan(0, torn));
                    Assert.True(new Oplog().TryOpen(cut[FeedFile.Oplog], out OplogHeader? header, out List<OplogEntry> entries));

                    // Nothing torn off it yet, or all but what is the same anyway: the old one; never none.
                    Assert.Equal((ulong)i - 1, header!.Fork);
                    Assert.Single(entries);
                }
            }

            file.Write(FeedFile.Oplog, slot * Oplog.SlotSize, frame);
            writer.HeaderWritten(slot);
            Append(writer, file, $"after {i}");
        }
    }

    [Fact]
    public void A_batch_counts_only_when_its_last_entry_is_there()
    {
        var writer = new Oplog();
        var file = new MemoryDevice();
        (int slot, byte[] frame) = writer.EncodeHeader(new OplogHeader())!.Value;
        file.Write(FeedFile.Oplog, slot, frame);
        writer.HeaderWritten(slot);
        Append(writer, file, "one");
        long whole = writer.End;
        Append(writer, file, "two", "three", "four");
        for (long length = whole; length <= writer.End; length++)
        {
            MemoryDevice cut = file.Clone();
            cut.Truncate(FeedFile.Oplog, length);
            var reader = new Oplog();
            Assert.True(reader.TryOpen(cut[FeedFile.Oplog], out _, out List<OplogEntry> entries));
            Assert.Equal(length == writer.End ? 4 : 1, entries.Count);
            Assert.Equal(length == writer.End ? length : whole, reader.End);
        }
    }

    [Fact]
    public void Decoding_an_entry_undoes_encoding_it() => Check.That<ulong[], byte[], byte>((numbers, bytes, flags) =>
    {
        ulong At(int i) => numbers.Length == 0 ? (ulong)i : numbers[i % numbers.Length] % (1UL << 53);
        TreeNode[] nodes = [.. Enumerable.Range(0, numbers.Length).Select(i => new TreeNode(At(i), At(i + 1), new Hash(Blake2b.Hash256(bytes).ToArray())))];
        var entry = new OplogEntry
        {
            UserData = (flags & 1) != 0 ? new("name", bytes) : null,
            Nodes = (flags & 2) != 0 ? (ReadOnlyMemory<TreeNode>?)nodes : null,
            Upgrade = (flags & 4) != 0 ? new OplogUpgrade(At(0), At(1), At(2), bytes) : null,
            Bits = (flags & 8) != 0 ? new OplogBits((flags & 16) != 0, At(3), At(4)) : null,
        };
        var output = new OplogBuffer();
        entry.Encode(output);
        return OplogEntry.TryDecode(output.WrittenSpan, out OplogEntry? decoded)
            && decoded!.UserData?.Key == entry.UserData?.Key
            && (decoded.UserData?.Value ?? []).AsSpan().SequenceEqual(entry.UserData?.Value ?? [])
            && (decoded.Nodes ?? default).Span.SequenceEqual((entry.Nodes ?? default).Span)
            && decoded.Upgrade?.Length == entry.Upgrade?.Length && decoded.Upgrade?.Fork == entry.Upgrade?.Fork
            && decoded.Bits == entry.Bits;
    });

    [Fact]
    public void Garbage_is_no_entry_no_header_and_no_oplog_and_never_throws() => Check.That<byte[], ushort>((bytes, at) =>
    {
        OplogEntry.TryDecode(bytes, out _);
        var reader = new Compact.CompactReader(bytes);
        OplogHeader.TryDecode(ref reader, out _);
        new Oplog().TryOpen(bytes, out _, out _);
        var file = new byte[9000];
        bytes.AsSpan(0, Math.Min(bytes.Length, 500)).CopyTo(file.AsSpan(at % 8500));
        new Oplog().TryOpen(file, out _, out _);
        return true;
    }, cases: 300);

    [Fact]
    public void A_header_of_the_first_releases_is_understood()
    {
        using KeyPair pair = FeedHarness.Pair();
        var identity = new FeedIdentity { KeyPair = pair, Key = new FeedKey(pair.PublicKey.AsSpan()) };
        var device = new MemoryDevice();
        using (var feed = new FeedHarness(device, identity))
        {
            feed.Append([1], [2], [3]);
            feed.Ask<FeedLogEvent.UserDataSet>(id => feed.Log.SetUserData(id, "corestore/name", "old"u8.ToArray()));
            feed.Ask<FeedLogEvent.Checkpointed>(feed.Log.Checkpoint);
        }

        byte[] old = FirstHeader.Rewrite(device[FeedFile.Oplog]);
        device.Truncate(FeedFile.Oplog, 0);
        device.Write(FeedFile.Oplog, 0, old);
        using FeedHarness opened = FeedHarness.Reader(device, identity.Key!.Value);
        Assert.Null(opened.Failure);
        Assert.Equal(3ul, opened.Log.ContiguousLength);
        Assert.Equal("old", opened.Log.GetUserText("corestore/name"));
        Assert.True(opened.Log.Manifest!.IsCompat(identity.Key.Value));
        Assert.Equal(0, opened.Log.Manifest.Version);
        opened.Append([4]);
        Assert.True(FeedSignature.Verify(
            opened.Log.Key, Manifest.ForSigner(pair.PublicKey), opened.Log.Head, opened.Log.Signature.Span));
    }

    private static void Append(Oplog oplog, MemoryDevice file, params string[] names)
    {
        var output = new OplogBuffer();
        oplog.EncodeEntries([.. names.Select(name => new OplogEntry { UserData = new(name, Encoding.UTF8.GetBytes(name)) })], output);
        file.Write(FeedFile.Oplog, oplog.End, output.WrittenSpan);
        oplog.EntriesWritten(output.WrittenCount);
    }
}
