using HyperActors.Compact;
using HyperActors.Crypto;
using HyperActors.Merkle;

namespace HyperActors.Storage;

// Opening: lengths, then the oplog and the bitfield, then the roots; and making what is not there.
public sealed partial class FeedLog
{
    /// <summary>What hypercore 9 and older write at the start of their tree file.</summary>
    private static ReadOnlySpan<byte> OldTree => [5, 2, 87, 2, 0, 0, 40, 7, (byte)'B', (byte)'L', (byte)'A', (byte)'K', (byte)'E', (byte)'2', (byte)'b'];

    /// <summary>1 MiB: a reading of eight million blocks, and no more memory however long the file says it is.</summary>
    private const long BitfieldChunk = 1 << 20;

    private readonly long[] _lengths = new long[5];

    /// <summary>Starts to open the feed, or to make it. Ends with <see cref="FeedLogEvent.Opened"/> or <see cref="FeedLogEvent.Failed"/>.</summary>
    public void Open()
    {
        Invariant.Hold(!_isBusy && !IsOpen);
        _isBusy = true;
        var requests = new List<IoRequest>();
        int left = _lengths.Length;
        foreach (FeedFile file in Enum.GetValues<FeedFile>())
        {
            Submit(Request(IoKind.Length, file), (result, now) =>
            {
                _lengths[(int)file] = result.Count;
                if (result.Error is { } error)
                {
                    Fail(error);
                }
                else if (--left == 0)
                {
                    ReadFiles();
                }
            });
        }
    }

    private void ReadFiles()
    {
        if (_lengths[(int)FeedFile.Oplog] > _options.MaxOplogFileSize)
        {
            Fail(Corrupt(FeedFile.Oplog, $"has {_lengths[(int)FeedFile.Oplog]} bytes, more than a feed's ever has", "put the right file in its place"));
            return;
        }

        var oplog = new byte[_lengths[(int)FeedFile.Oplog]];
        var tree = new byte[OldTree.Length];
        int left = 2;
        foreach ((FeedFile file, byte[] buffer) in ((FeedFile, byte[])[])[(FeedFile.Oplog, oplog), (FeedFile.Tree, tree)])
        {
            IoRequest request = new() { Id = ++_lastIoId, Kind = IoKind.Read, File = file, Buffer = buffer };
            Submit(request, (result, _) =>
            {
                if (result.Error is { } error)
                {
                    Fail(error);
                }
                else if (--left == 0)
                {
                    Take(oplog, tree);
                }
            });
        }
    }

    private void Take(byte[] oplog, byte[] tree)
    {
        if (tree.AsSpan().SequenceEqual(OldTree))
        {
            Fail(Corrupt(FeedFile.Tree, "was written by hypercore 9 or older", "append its blocks to a new feed to carry them over"));
            return;
        }

        if (!_oplog.TryOpen(oplog, out OplogHeader? header, out List<OplogEntry> entries))
        {
            Fail(Corrupt(FeedFile.Oplog, "has no valid header", "restore it from a copy, or move the feed's folder away"));
            return;
        }

        _tree.SetFileLength(_lengths[(int)FeedFile.Tree]);
        if (header is null)
        {
            Create(oplog);
            return;
        }

        // The tree is written behind entries that made the oplog longer than this; without them an old header would pass for the last.
        if (oplog.Length < Oplog.EntriesStart && _lengths[(int)FeedFile.Tree] > 0)
        {
            Fail(Corrupt(FeedFile.Oplog, "is cut short", "restore it from a copy, or move the feed's folder away"));
            return;
        }

        long bitfieldLength = _lengths[(int)FeedFile.Bitfield] & ~3L;
        ReadBitfield(0, bitfieldLength, new byte[Math.Min(bitfieldLength, BitfieldChunk)], () =>
        {
            if (header.External is var (start, length))
            {
                ReadExternal(start, length, entries, oplog.Length);
            }
            else
            {
                Replay(header, entries, oplog.Length);
            }
        });
    }

    // Piece by piece: one block far out, which a writer can give to anybody, makes a file of any length that is nearly all hole.
    private void ReadBitfield(long at, long end, byte[] chunk, Action then)
    {
        if (at == end)
        {
            then();
            return;
        }

        Memory<byte> buffer = chunk.AsMemory(0, (int)Math.Min(end - at, chunk.Length));
        IoRequest request = new() { Id = ++_lastIoId, Kind = IoKind.Read, File = FeedFile.Bitfield, Offset = at, Buffer = buffer };
        Submit(request, (result, _) =>
        {
            if (result.Error is { } error)
            {
                Fail(error);
                return;
            }

            _bitfield.Load(at, buffer.Span[..(int)result.Count]);
            ReadBitfield(at + buffer.Length, end, chunk, then);
        });
    }

    private void ReadExternal(ulong start, ulong length, List<OplogEntry> entries, long oplogLength)
    {
        if (length > (ulong)_options.MaxOplogFileSize || start + length > (ulong)_lengths[(int)FeedFile.Header])
        {
            Fail(Corrupt(FeedFile.Header, "is shorter than the oplog says", "restore it from a copy"));
            return;
        }

        var buffer = new byte[length];
        IoRequest request = new() { Id = ++_lastIoId, Kind = IoKind.Read, File = FeedFile.Header, Offset = (long)start, Buffer = buffer };
        Submit(request, (result, _) =>
        {
            if (result.Error is { } error)
            {
                Fail(error);
                return;
            }

            var reader = new CompactReader(buffer);
            if (!OplogHeader.TryDecode(ref reader, out OplogHeader? header) || header!.External is not null)
            {
                Fail(Corrupt(FeedFile.Header, "does not hold the header that the oplog points to", "restore it from a copy"));
                return;
            }

            _external = (start, length);
            Replay(header, entries, oplogLength);
        });
    }

    private void Replay(OplogHeader header, List<OplogEntry> entries, long oplogLength)
    {
        if (!_identity.IsMeant(header.Key))
        {
            Fail(new FeedConflictException($"Another feed is stored here: {header.Key}; name another folder, or open that feed."));
            return;
        }

        Key = header.Key;
        Manifest = header.Manifest;
        _publicKey = header.PublicKey;
        _secretKey = header.SecretKey;
        _userData.AddRange(header.UserData);
        _reorgs.AddRange(header.Reorgs);
        ContiguousLength = header.ContiguousLength;
        _signature = header.Signature;
        if (header.SecretKey.Length == SecretKey.Size && _identity.KeyPair is null)
        {
            _ownKeyPair = new KeyPair(new SecretKey(header.SecretKey));
        }

        _keyPair = _identity.KeyPair ?? _ownKeyPair;
        (ulong fork, ulong length) = (header.Fork, header.Length);
        foreach (OplogEntry entry in entries)
        {
            if (entry.UserData is { } pair)
            {
                PutUserData(pair.Key, pair.Value);
            }

            // The cut first: nodes of the same entry that lie behind it are of the new fork.
            if (entry.Upgrade is { } upgrade)
            {
                if (upgrade.Length > FlatTree.MaxLength || upgrade.Ancestors > upgrade.Length)
                {
                    Fail(Corrupt(FeedFile.Oplog, "has an entry that makes no sense", "restore it from a copy"));
                    return;
                }

                if (upgrade.Ancestors < length)
                {
                    _tree.Truncate(upgrade.Ancestors);
                    _isCheckpointDue = true;
                }

                AddReorgHint(length, fork, upgrade.Fork, upgrade.Ancestors);
                (fork, length, _signature) = (upgrade.Fork, upgrade.Length, upgrade.Signature);
            }

            foreach (ref readonly TreeNode node in (entry.Nodes ?? default).Span)
            {
                if (node.Index <= FlatTree.MaxIndex)
                {
                    _tree.Put(node);
                }
            }

            if (entry.Bits is { } bits && bits.Start <= FlatTree.MaxLength && bits.Length <= FlatTree.MaxLength - bits.Start)
            {
                SetBits(bits);
            }
        }

        FindRoots(fork, length, entries.Count == 0 ? header.RootHash : null, oplogLength);
    }

    private void FindRoots(ulong fork, ulong length, byte[]? rootHash, long oplogLength)
    {
        if (length > FlatTree.MaxLength)
        {
            Fail(Corrupt(FeedFile.Oplog, "gives a length beyond all measure", "restore it from a copy"));
            return;
        }

        ulong[] indices = FlatTree.FullRoots(length);
        var roots = new TreeNode[indices.Length];
        bool isPending = false;
        for (int i = 0; i < indices.Length; i++)
        {
            NodeLookup lookup = _tree.TryGet(indices[i], out roots[i]);
            isPending |= lookup == NodeLookup.Pending;
            if (lookup == NodeLookup.Absent)
            {
                Fail(MissingNode());
                return;
            }
        }

        // A store of another make may hold a block without its leaf.
        TreeNode last = default;
        if (length > 0 && _bitfield[length - 1])
        {
            isPending |= _tree.TryGet((2 * length) - 2, out last) == NodeLookup.Pending;
        }

        if (isPending)
        {
            WaitForPages(() => FindRoots(fork, length, rootHash, oplogLength));
            return;
        }

        Head = new TreeHead(fork, roots);
        if (rootHash is { Length: > 0 } && !Head.Hash.AsSpan().SequenceEqual(rootHash))
        {
            Fail(Corrupt(FeedFile.Tree, "does not hash to what the oplog says", "restore it from a copy, or remove the feed's folder and download it again"));
            return;
        }

        if (last.Size > 0 && _lengths[(int)FeedFile.Data] < (long)Head.ByteLength)
        {
            Fail(Corrupt(
                FeedFile.Data,
                $"has {_lengths[(int)FeedFile.Data]} bytes where the feed's blocks take {Head.ByteLength}",
                "restore it from a copy, or remove the feed's folder and download it again"));
            return;
        }

        // The header's figure is a hint: stale after a crash, and a lie beside another bitfield. The bits say what is held.
        ContiguousLength = Math.Min(_bitfield.FirstUnset(0), length);
        CutOplog(oplogLength);
    }

    private void CutOplog(long oplogLength)
    {
        var stages = new IoStages();
        if (IsFlushed)
        {
            // What a former process wrote and did not live to flush is shown to others from now on: it must not go again.
            stages.AddStage([.. Enum.GetValues<FeedFile>().Where(file => _lengths[(int)file] > 0).Select(file => Request(IoKind.Flush, file))]);
        }

        if (oplogLength != _oplog.End)
        {
            stages.AddStage(Request(IoKind.Truncate, FeedFile.Oplog, _oplog.End));
        }

        Submit(stages, _ => Opened(isNew: false), Fail);
    }

    private void Create(ReadOnlySpan<byte> oplog)
    {
        if (!_identity.Create)
        {
            Fail(new FeedConflictException("No feed is stored here; create it first, or name its folder."));
            return;
        }

        // A crash while a feed is made leaves a torn header and nothing else.
        if (!Oplog.IsTornCreation(oplog) || _lengths[(int)FeedFile.Tree] > 0 || _lengths[(int)FeedFile.Data] > 0)
        {
            Fail(Corrupt(
                FeedFile.Oplog,
                oplog.Length == 0 ? "is missing, but others of the feed are there" : "is cut short, or not a feed's",
                "restore it from a copy, or move the feed's folder away"));
            return;
        }

        try
        {
            (Key, Manifest) = _identity.Resolve();
        }
        catch (FeedConflictException e)
        {
            Fail(e);
            return;
        }

        _keyPair = _identity.KeyPair;
        _publicKey = _keyPair?.PublicKey.AsSpan().ToArray() ?? [];
        _secretKey = _keyPair?.SecretKey.AsSpan().ToArray() ?? [];
        var stages = new IoStages();
        int slot = AddHeader(stages);
        Submit(
            stages,
            _ =>
            {
                HeaderWritten(slot);
                Opened(isNew: true);
            },
            Fail);
    }

    private void Opened(bool isNew)
    {
        IsOpen = true;
        _isBusy = false;

        // Cores of the old kind need no manifest to be learned: whoever holds the key knows it.
        if (Manifest is null && _keyPair is { } pair && pair.PublicKey.AsSpan().SequenceEqual(Key.AsSpan()))
        {
            Manifest = Manifest.ForSigner(pair.PublicKey);
            _isCheckpointDue = true;
        }

        _events.Enqueue(new FeedLogEvent.Opened(isNew));
        Advance();
    }

    private void PutUserData(string key, byte[] value)
    {
        int at = _userData.FindIndex(pair => pair.Key == key);
        if (at >= 0 && value.Length == 0)
        {
            _userData.RemoveAt(at);
        }
        else if (at >= 0)
        {
            _userData[at] = new(key, value);
        }
        else if (value.Length > 0)
        {
            _userData.Add(new(key, value));
        }
    }

    private void AddReorgHint(ulong oldLength, ulong from, ulong to, ulong ancestors)
    {
        if (oldLength == 0 || from == to)
        {
            return;
        }

        // Hints only: a handful is enough.
        while (_reorgs.Count >= 4)
        {
            _reorgs.RemoveAt(0);
        }

        while (_reorgs.Count > 0 && _reorgs[^1].Ancestors > ancestors)
        {
            _reorgs.RemoveAt(_reorgs.Count - 1);
        }

        _reorgs.Add(new ReorgHint(from, to, ancestors));
    }

    private void SetBits(OplogBits bits)
    {
        _bitfield.Set(bits.Start, bits.Length, !bits.IsDrop);
        ulong end = bits.Start + bits.Length;
        if (bits.IsDrop)
        {
            ContiguousLength = ContiguousLength > bits.Start && ContiguousLength <= end ? bits.Start : ContiguousLength;
        }
        else if (ContiguousLength >= bits.Start && ContiguousLength <= end)
        {
            ContiguousLength = _bitfield.FirstUnset(end);
        }
    }
}
