/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAC_MATH_H
#define MAC_MATH_H

#define HUGE_VAL __builtin_huge_val()
#define INFINITY __builtin_huge_valf()
#define NAN __builtin_nanf("")
#define isnan(x) __builtin_isnan(x)
#define isinf(x) __builtin_isinf(x)
#define isfinite(x) __builtin_isfinite(x)
#define signbit(x) __builtin_signbit(x)

double fabs(double x);
double floor(double x);
double ceil(double x);
double round(double x);
double sqrt(double x);
double pow(double x, double y);
double exp(double x);
double log(double x);
double log2(double x);
double log10(double x);
double fmod(double x, double y);
double fmin(double x, double y);
double fmax(double x, double y);
double ldexp(double x, int exponent);
double frexp(double x, int *exponent);
long lround(double x);
long long llround(double x);
float fabsf(float x);
float sqrtf(float x);

#endif
