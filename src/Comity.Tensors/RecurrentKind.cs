namespace Comity.Tensors;

/// <summary>The cell of a recurrent layer.</summary>
public enum RecurrentKind
{
    /// <summary>h = tanh(x + W·h′) (Elman 1990).</summary>
    Rnn,

    /// <summary>Gated recurrent unit (Cho et al. 2014, arXiv:1406.1078; the reset gate after the product, as cuDNN and PyTorch have it).</summary>
    Gru,

    /// <summary>Long short-term memory with a forget gate (Hochreiter and Schmidhuber 1997; Gers et al. 2000).</summary>
    Lstm,
}
