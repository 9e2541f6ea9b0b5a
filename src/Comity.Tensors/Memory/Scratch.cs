namespace Comity.Tensors.Memory;

/// <summary>A thread's working memory for packing and for kernels of several steps; grows to the largest request and stays.</summary>
internal sealed unsafe class Scratch
{
    [ThreadStatic]
    private static Scratch? t_ofThread;

    private AlignedBuffer _left = new(0);
    private AlignedBuffer _right = new(0);
    private AlignedBuffer _work = new(0);
    private readonly AlignedBuffer _tile = new(12 * 32);

    public static Scratch OfThread => t_ofThread ??= new Scratch();

    /// <summary>Gives back what this thread worked in.</summary>
    public static void Forget() => t_ofThread = null;

    public float* Tile => _tile.Pointer;

    public float* Left(nint length) => Ensure(ref _left, length);

    public float* Right(nint length) => Ensure(ref _right, length);

    /// <summary>For kernels that themselves multiply matrices, which take the others.</summary>
    public float* Work(nint length) => Ensure(ref _work, length);

    private static float* Ensure(ref AlignedBuffer buffer, nint length)
    {
        if (buffer.Length < length) buffer = new AlignedBuffer(checked((int)length));
        return buffer.Pointer;
    }
}
