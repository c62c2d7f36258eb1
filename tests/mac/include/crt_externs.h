/* SPDX-License-Identifier: Apache-2.0 */
char ***_NSGetEnviron(void);
