/* SPDX-License-Identifier: Apache-2.0 */
int sched_yield(void);
