using System.Collections.Concurrent;
using System.Threading.Tasks.Sources;

namespace Comity.Serving.Inference;

/// <summary>How requests are joined.</summary>
/// <param name="Rows">Most rows of one batch.</param>
/// <param name="Delay">How long a batch that is not full waits for more; zero: it takes what has come meanwhile.</param>
/// <param name="Waiting">Most rows that wait; what comes then is turned away.</param>
public sealed record BatchOptions(int Rows = 64, TimeSpan Delay = default, int Waiting = 32 * 1024);

/// <summary>Joins requests that arrive while the model computes into one pass over it.</summary>
/// <remarks>
/// A request that finds the model idle is computed at once on its own thread, so nothing is added to the latency of a quiet server.
/// One that finds it busy waits in line; whoever finishes hands the whole line on as the next batch. On a busy server a model that costs more than
/// the hand-over always gets its requests through the line: its weights are then read once for many rows. Rows of different requests
/// do not influence one another: each row's answer is its own.
/// </remarks>
internal sealed class Batcher(ServedModel model, BatchOptions options, int parallel, TimeProvider time) : IThreadPoolWorkItem
{
    /// <summary>Parameters from which on joining rows saves more than handing them over costs, measured on two cores.</summary>
    private const int CostlyParameters = 16 * 1024;

    private readonly bool _costly = model.Manifest.Origin.Parameters >= CostlyParameters;
    private readonly ConcurrentQueue<Waiter> _line = new();
    private readonly ConcurrentBag<Waiter> _spare = [];
    private int _running;
    private int _waiting;

    /// <summary>Batches computed, and rows in them.</summary>
    public long Batches, Rows;

    /// <summary>Computes, now or in the next batch. False: too many wait already.</summary>
    /// <param name="features">Shape [rows, inputs].</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="outputs">Shape [rows, outputs]; written when <paramref name="done"/> has completed.</param>
    /// <param name="busy">Whether other requests are being answered at the same time, more than there are cores.</param>
    /// <param name="done">Completes with the answer.</param>
    public bool TryPredict(ReadOnlyMemory<float> features, int rows, Memory<float> outputs, bool busy, out ValueTask done)
    {
        done = default;
        if (options.Delay == default && !(busy && _costly && rows < options.Rows) && _line.IsEmpty && TryEnter())
        {
            try
            {
                model.Predict(features.Span, rows, outputs.Span);
                Count(rows);
            }
            finally
            {
                Leave();
            }
            return true;
        }
        if (Interlocked.Add(ref _waiting, rows) > options.Waiting && rows < options.Waiting)
        {
            Interlocked.Add(ref _waiting, -rows);
            return false;
        }
        if (!_spare.TryTake(out var waiter)) waiter = new Waiter(this);
        done = waiter.Begin(features, rows, outputs);
        _line.Enqueue(waiter);
        if (options.Delay == default || _waiting >= options.Rows) Hand();
        else if (TryEnter()) _ = LaterAsync();
        return true;
    }

    void IThreadPoolWorkItem.Execute()
    {
        try
        {
            RunBatch();
        }
        finally
        {
            Leave();
        }
    }

    private async Task LaterAsync()
    {
        await Task.Delay(options.Delay, time).ConfigureAwait(false);
        ((IThreadPoolWorkItem)this).Execute();
    }

    private bool TryEnter()
    {
        if (Interlocked.Increment(ref _running) <= parallel) return true;
        Interlocked.Decrement(ref _running);
        return false;
    }

    // Whoever leaves looks at the line once more: a waiter that came while all places were taken must not be left behind.
    private void Leave()
    {
        Interlocked.Decrement(ref _running);
        if (!_line.IsEmpty) Hand();
    }

    private void Hand()
    {
        if (TryEnter()) ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private void RunBatch()
    {
        var batch = new List<Waiter>();
        var rows = 0;
        while (rows < options.Rows && _line.TryPeek(out var next) && (batch.Count == 0 || rows + next.Rows <= options.Rows) && _line.TryDequeue(out var taken))
        {
            batch.Add(taken);
            rows += taken.Rows;
        }
        if (batch.Count == 0) return;
        Interlocked.Add(ref _waiting, -rows);
        try
        {
            if (batch.Count == 1) model.Predict(batch[0].Features.Span, rows, batch[0].Outputs.Span);
            else Together(batch, rows);
            Count(rows);
            foreach (var waiter in batch) waiter.Complete(null);
        }
        catch (Exception e)
        {
            foreach (var waiter in batch) waiter.Complete(e);
        }
    }

    private void Together(List<Waiter> batch, int rows)
    {
        var (features, outputs) = (System.Buffers.ArrayPool<float>.Shared.Rent(rows * model.Inputs), System.Buffers.ArrayPool<float>.Shared.Rent(rows * model.Outputs));
        var at = 0;
        foreach (var waiter in batch)
        {
            waiter.Features.Span.CopyTo(features.AsSpan(at * model.Inputs));
            at += waiter.Rows;
        }
        model.Predict(features.AsSpan(0, rows * model.Inputs), rows, outputs.AsSpan(0, rows * model.Outputs));
        at = 0;
        foreach (var waiter in batch)
        {
            outputs.AsSpan(at * model.Outputs, waiter.Rows * model.Outputs).CopyTo(waiter.Outputs.Span);
            at += waiter.Rows;
        }
        System.Buffers.ArrayPool<float>.Shared.Return(features);
        System.Buffers.ArrayPool<float>.Shared.Return(outputs);
    }

    private void Count(int rows)
    {
        Interlocked.Increment(ref Batches);
        Interlocked.Add(ref Rows, rows);
    }

    /// <summary>One request in line; used again and again.</summary>
    private sealed class Waiter(Batcher owner) : IValueTaskSource
    {
        private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };

        public ReadOnlyMemory<float> Features { get; private set; }

        public Memory<float> Outputs { get; private set; }

        public int Rows { get; private set; }

        public ValueTask Begin(ReadOnlyMemory<float> features, int rows, Memory<float> outputs)
        {
            (Features, Rows, Outputs) = (features, rows, outputs);
            return new ValueTask(this, _core.Version);
        }

        public void Complete(Exception? error)
        {
            if (error is null) _core.SetResult(true);
            else _core.SetException(error);
        }

        public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _core.OnCompleted(continuation, state, token, flags);

        public void GetResult(short token)
        {
            try
            {
                _core.GetResult(token);
            }
            finally
            {
                (Features, Outputs) = (default, default);
                _core.Reset();
                owner._spare.Add(this);
            }
        }
    }
}
