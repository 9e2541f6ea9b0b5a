namespace Comity.Tensors.Kernels;

/// <summary>Registers of 32-bit sums, each lane of which takes four products of bytes at a time: the few operations of the innermost loop of <see cref="ByteTile{TLanes, TVector, TRows}"/>.</summary>
internal unsafe interface IByteLanes<TVector> where TVector : unmanaged
{
    /// <summary>Lanes of 32 bits.</summary>
    static abstract int Count { get; }

    /// <summary>Rows of a tile: as many as the registers can hold beside two columns.</summary>
    static abstract int TileRows { get; }

    /// <summary>What <see cref="Create"/> takes from each byte: sums begin at so many times the sum of B's column, which gives it back.</summary>
    static abstract int Offset { get; }

    static abstract TVector Zero { get; }

    /// <summary>Four bytes of a row of A in every lane.</summary>
    static abstract TVector Create(int four);

    static abstract TVector Load(void* source);

    static abstract void Store(TVector value, int* target);

    /// <summary>sum + a₀·b₀ + a₁·b₁ + a₂·b₂ + a₃·b₃ in each lane, a unsigned, b signed within ±<see cref="Bytes.Largest"/>.</summary>
    static abstract TVector Dot(TVector sum, TVector a, TVector b);
}
