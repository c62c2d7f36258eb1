/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAC_SYS_IOCTL_H
#define MAC_SYS_IOCTL_H

struct winsize {
	unsigned short ws_row, ws_col, ws_xpixel, ws_ypixel;
};

#define TIOCGWINSZ 0x40087468

int ioctl(int fd, unsigned long request, ...);

#endif
