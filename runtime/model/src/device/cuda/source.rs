//! The source of kernels over elements, made of a table of expressions.

use std::fmt::Write as _;

use crate::operator::Function;

/// The value of a function of `x`, and its slope at `z`, which is the operand or the result as the function's row says.
fn expressions(function: Function) -> (&'static str, &'static str) {
    match function {
        Function::Relu => ("fmaxf(x, 0.0f)", "z > 0.0f ? 1.0f : 0.0f"),
        Function::Gelu => ("x * normcdff(x)", "normcdff(z) + z * expf(-0.5f * z * z) * 0.3989422804f"),
        Function::GeluTanh => (
            "x * sigmoid(gelu(x))",
            "sigmoid(gelu(z)) * (1.0f + z * (1.0f - sigmoid(gelu(z))) * (1.5957691216f + 0.2140644488f * z * z))",
        ),
        Function::Silu => ("x * sigmoid(x)", "sigmoid(z) * (1.0f + z * (1.0f - sigmoid(z)))"),
        Function::Sigmoid => ("sigmoid(x)", "z * (1.0f - z)"),
        Function::Tanh => ("tanhf(x)", "1.0f - z * z"),
        Function::Exp => ("expf(x)", "z"),
        Function::Log => ("logf(x)", "1.0f / z"),
        Function::Sqrt => ("sqrtf(x)", "0.5f / z"),
        Function::Square => ("x * x", "z + z"),
        Function::Abs => ("fabsf(x)", "z > 0.0f ? 1.0f : z < 0.0f ? -1.0f : 0.0f"),
    }
}

/// The name of the kernel of a slope.
pub(super) fn slope(function: Function) -> String {
    format!("{}_slope", function.name())
}

/// All kernels.
pub(super) fn source() -> String {
    let mut text = String::from(
        "__device__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }
__device__ float gelu(float x) { return x * (1.5957691216f + 0.0713548163f * x * x); }
extern \"C\" __global__ void rows(const float *b, float *y, unsigned long long n, unsigned long long width) {
  for (unsigned long long i = blockIdx.x * (unsigned long long)blockDim.x + threadIdx.x; i < n; i += gridDim.x * (unsigned long long)blockDim.x) y[i] = b[i % width];
}
",
    );
    let mut kernel = |name: &str, expression: &str| {
        let _ = writeln!(
            text,
            "extern \"C\" __global__ void {name}(const float *xs, const float *as, float *ys, unsigned long long n, float p, float q) {{
  for (unsigned long long i = blockIdx.x * (unsigned long long)blockDim.x + threadIdx.x; i < n; i += gridDim.x * (unsigned long long)blockDim.x) {{
    float x = xs[i], z = as[i];
    ys[i] = {expression};
  }}
}}"
        );
    };
    for &function in Function::ALL {
        let (value, at) = expressions(function);
        kernel(function.name(), value);
        kernel(&slope(function), &format!("x * ({at})"));
    }
    for (name, expression) in [
        ("affine", "x * p + q"),
        ("add", "x + z"),
        ("subtract", "x - z"),
        ("multiply", "x * z"),
        ("divide", "x / z"),
    ] {
        kernel(name, expression);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_a_value_and_a_slope() {
        let text = source();
        for &function in Function::ALL {
            for name in [function.name().to_owned(), slope(function)] {
                assert_eq!(text.matches(&format!(" void {name}(")).count(), 1, "{name}");
            }
        }
        assert_eq!(text.matches('{').count(), text.matches('}').count());
    }
}
