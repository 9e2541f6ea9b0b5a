namespace Comity.Tensors.Kernels;

/// <summary>Functions of one variable that kernels know, with their derivatives. The first are the activations, by the same numbers.</summary>
internal enum Function
{
    Identity = Activation.Identity,
    Relu = Activation.Relu,
    LeakyRelu = Activation.LeakyRelu,
    Elu = Activation.Elu,
    Gelu = Activation.Gelu,
    Sigmoid = Activation.Sigmoid,
    Tanh = Activation.Tanh,
    Exp,
    Log,
    Erf,
}
