/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAC_UNISTD_H
#define MAC_UNISTD_H
#include <types.h>

#define STDIN_FILENO 0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2
#define R_OK 4
#define W_OK 2
#define X_OK 1
#define F_OK 0
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#define _SC_PAGESIZE 29
#define _SC_NPROCESSORS_CONF 57
#define _SC_NPROCESSORS_ONLN 58

ssize_t read(int fd, void *bytes, size_t count);
ssize_t write(int fd, const void *bytes, size_t count);
ssize_t pread(int fd, void *bytes, size_t count, off_t offset);
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset);
int close(int fd);
int pipe(int fds[2]);
int dup(int fd);
int dup2(int fd, int as);
off_t lseek(int fd, off_t offset, int whence);
int ftruncate(int fd, off_t length);
int fsync(int fd);
int access(const char *path, int mode);
int unlink(const char *path);
int rmdir(const char *path);
int chdir(const char *path);
char *getcwd(char *path, size_t size);
ssize_t readlink(const char *path, char *target, size_t size);
int isatty(int fd);
pid_t getpid(void);
pid_t getppid(void);
pid_t fork(void);
uid_t getuid(void);
uid_t geteuid(void);
gid_t getgid(void);
int getpeereid(int socket, uid_t *user, gid_t *group);
long sysconf(int name);
unsigned int sleep(unsigned int seconds);
unsigned int alarm(unsigned int seconds);
__attribute__((noreturn)) void _exit(int status);
extern char *optarg;
extern int optind;
extern int opterr;
extern int optopt;
int getopt(int count, char *const arguments[], const char *letters);

#endif
