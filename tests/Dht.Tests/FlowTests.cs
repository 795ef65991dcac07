namespace HyperActors.Dht.Tests;

public class FlowTests
{
    private readonly FlowRunner _runner = new();
    private readonly FlowScope _scope;
    private readonly List<string> _log = [];

    public FlowTests() => _scope = new FlowScope(_runner);

    [Fact]
    public void Steps_run_in_the_runners_turn_and_nowhere_else()
    {
        var source = new FlowSource<int>(_runner, _scope);
        Flow flow = LogWhenDone(source.Flow);
        Assert.True(source.TryComplete(7));
        Assert.Empty(_log);
        _runner.Run();
        Assert.Equal(["7"], _log);
        Assert.True(flow.IsSuccess);
        Assert.False(source.TryComplete(8));

        async Flow LogWhenDone(Flow<int> wait) => _log.Add($"{await wait}");
    }

    [Fact]
    public void Sleepers_wake_in_the_order_of_their_times_and_then_of_their_going_to_sleep()
    {
        foreach ((string name, int delay) in new[] { ("c", 3), ("a1", 1), ("a2", 1), ("b", 2) })
        {
            _ = SleepAndLog(name, TimeSpan.FromSeconds(delay));
        }

        Assert.Equal(TimeSpan.FromSeconds(1), _runner.Deadline);
        _runner.Advance(TimeSpan.FromSeconds(2));
        _runner.Run();
        Assert.Equal(["a1", "a2", "b"], _log);
        Assert.Equal(TimeSpan.FromSeconds(3), _runner.Deadline);

        async Flow SleepAndLog(string name, TimeSpan delay)
        {
            await _runner.Sleep(delay, _scope);
            _log.Add(name);
        }
    }

    [Fact]
    public void A_cancelled_scope_fails_what_waits_and_what_will_wait_below_it_too()
    {
        var below = new FlowScope(_scope);
        Flow first = Twice();
        _scope.Cancel();
        _runner.Run();
        Assert.IsType<FlowCancelledException>(first.Failure);
        Assert.Equal(["first", "second"], _log);
        Assert.Null(_runner.Deadline);

        async Flow Twice()
        {
            try
            {
                await _runner.Sleep(TimeSpan.FromSeconds(1), below);
            }
            catch (FlowCancelledException)
            {
                _log.Add("first");
            }

            try
            {
                await _runner.Sleep(TimeSpan.FromSeconds(1), below);
            }
            finally
            {
                _log.Add("second");
            }
        }
    }

    [Fact]
    public void The_first_to_end_is_told_even_when_it_failed()
    {
        var good = new FlowSource(_runner, _scope);
        var bad = new FlowSource(_runner, _scope);
        Flow<int> any = Flow.WhenAny(good.Flow, bad.Flow);
        bad.TryFail(new InvalidOperationException("no"));
        good.TryComplete();
        _runner.Run();
        Assert.Equal(1, any.Result);
    }

    [Fact]
    public void All_have_ended_when_the_last_one_has()
    {
        FlowSource[] sources = [new(_runner, _scope), new(_runner, _scope), new(_runner, _scope)];
        Flow all = Flow.WhenAll(sources.Select(s => s.Flow));
        sources[2].TryComplete();
        sources[0].TryFail(new InvalidOperationException("no"));
        _runner.Run();
        Assert.False(all.IsCompleted);
        sources[1].TryComplete();
        _runner.Run();
        Assert.True(all.IsSuccess);
    }

    [Fact]
    public void A_semaphore_lets_the_next_in_when_one_leaves_and_skips_those_who_gave_up()
    {
        var semaphore = new FlowSemaphore(_runner, 1);
        var gaveUp = new FlowScope(_scope);
        _ = Enter("a", _scope);
        _ = Enter("b", gaveUp);
        _ = Enter("c", _scope);
        gaveUp.Cancel();
        _runner.Run();
        Assert.Equal(["a"], _log);
        semaphore.Release();
        _runner.Run();
        Assert.Equal(["a", "c"], _log);

        async Flow Enter(string name, FlowScope scope)
        {
            await semaphore.Enter(scope);
            _log.Add(name);
        }
    }

    [Fact]
    public void A_failure_that_nobody_awaits_is_handed_over_and_a_cancellation_is_not()
    {
        var failures = new List<Exception>();
        Throw(new InvalidOperationException("no")).Forget(failures.Add);
        Throw(new FlowCancelledException()).Forget(failures.Add);
        Assert.Equal("no", Assert.Single(failures).Message);

        async Flow Throw(Exception e)
        {
            await Flow.Done;
            throw e;
        }
    }

    [Fact]
    public void Ten_thousand_steps_in_a_row_take_no_stack()
    {
        Flow<int> flow = Count(10_000);
        for (int i = 0; i < 10_000; i++)
        {
            _runner.Advance(TimeSpan.FromMilliseconds(i + 1));
            _runner.Run();
        }

        Assert.Equal(10_000, flow.Result);

        async Flow<int> Count(int n)
        {
            int counted = 0;
            for (int i = 0; i < n; i++)
            {
                await _runner.Sleep(TimeSpan.FromMilliseconds(1), _scope);
                counted++;
            }

            return counted;
        }
    }
}
