/* SPDX-License-Identifier: Apache-2.0 */
char *dirname(char *path);
char *basename(char *path);
