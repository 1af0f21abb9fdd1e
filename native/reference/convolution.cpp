#include "reference/convolution.h"

namespace preresnet::reference {

Convolution::Convolution(const Tensor& x, const Tensor& w, const Tensor& y, int64_t stride_,
                         int64_t padding_)
    : N(x.dim(0)),
      C(x.dim(1)),
      H(x.dim(2)),
      W(x.dim(3)),
      K(w.dim(0)),
      R(w.dim(2)),
      S(w.dim(3)),
      P(y.dim(2)),
      Q(y.dim(3)),
      stride(stride_),
      padding(padding_) {}

void Convolution::pad(const double* x, int64_t n, const Transform& t, double* padded) const {
  std::fill_n(padded, padded_size(), 0.0);
  for (int64_t c = 0; c < C; ++c) {
    for (int64_t h = 0; h < H; ++h) {
      for (int64_t i = 0; i < W; ++i) {
        padded[(c * padded_height() + h + padding) * padded_width() + i + padding] =
            t(x[((n * C + c) * H + h) * W + i], n, N, c);
      }
    }
  }
}

void Convolution::forward(const double* padded, const double* w, double* y) const {
  for (int64_t k = 0; k < K; ++k) {
    for (int64_t c = 0; c < C; ++c) {
      for (int64_t r = 0; r < R; ++r) {
        for (int64_t s = 0; s < S; ++s) {
          const double weight = w[((k * C + c) * R + r) * S + s];
          for (int64_t p = 0; p < P; ++p) {
            const double* from =
                padded + (c * padded_height() + p * stride + r) * padded_width() + s;
            double* to = y + (k * P + p) * Q;
            for (int64_t q = 0; q < Q; ++q) to[q] += weight * from[q * stride];
          }
        }
      }
    }
  }
}

void Convolution::backward_data(const double* dy, const double* w, double* dpadded) const {
  for (int64_t k = 0; k < K; ++k) {
    for (int64_t c = 0; c < C; ++c) {
      for (int64_t r = 0; r < R; ++r) {
        for (int64_t s = 0; s < S; ++s) {
          const double weight = w[((k * C + c) * R + r) * S + s];
          for (int64_t p = 0; p < P; ++p) {
            const double* from = dy + (k * P + p) * Q;
            double* to = dpadded + (c * padded_height() + p * stride + r) * padded_width() + s;
            for (int64_t q = 0; q < Q; ++q) to[q * stride] += weight * from[q];
          }
        }
      }
    }
  }
}

void Convolution::backward_weights(const double* dy, const double* padded, double* dw) const {
  for (int64_t k = 0; k < K; ++k) {
    for (int64_t c = 0; c < C; ++c) {
      for (int64_t r = 0; r < R; ++r) {
        for (int64_t s = 0; s < S; ++s) {
          double sum = 0;
          for (int64_t p = 0; p < P; ++p) {
            const double* left = dy + (k * P + p) * Q;
            const double* right =
                padded + (c * padded_height() + p * stride + r) * padded_width() + s;
            for (int64_t q = 0; q < Q; ++q) sum += left[q] * right[q * stride];
          }
          dw[((k * C + c) * R + r) * S + s] += sum;
        }
      }
    }
  }
}

}  // namespace preresnet::reference
