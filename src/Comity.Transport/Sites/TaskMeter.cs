using Comity.Federation.Sites;
using Comity.Transport.Protocol;

namespace Comity.Transport.Sites;

/// <summary>How far one task at hand has come.</summary>
internal sealed class TaskMeter(string key, bool releaseLoss)
{
    private readonly Lock _gate = new();
    private TaskProgress _now = new(key, TaskPhase.Queued, 0, 0, 0, 0, null);

    public TaskProgress Now
    {
        get { lock (_gate) return _now; }
    }

    public void Step() => Change(p => p);

    public void Enter(TaskPhase phase) => Change(p => p with { Phase = phase });

    public void Moved(int bytes) => Change(p => p with { Bytes = p.Bytes + bytes });

    public void Trained(TrainingProgress progress) =>
        Change(p => p with { Epoch = progress.Epoch, Epochs = progress.Epochs, Loss = releaseLoss && double.IsFinite(progress.Loss) ? progress.Loss : null });

    private void Change(Func<TaskProgress, TaskProgress> change)
    {
        lock (_gate) _now = change(_now) with { Steps = _now.Steps + 1 };
    }
}
