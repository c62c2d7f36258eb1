/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAC_STDIO_H
#define MAC_STDIO_H
#include <types.h>
#include <stdarg.h>

typedef struct __sFILE FILE;

#define BUFSIZ 1024
#define EOF (-1)
#define _IOFBF 0
#define _IOLBF 1
#define _IONBF 2
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#define stdin __stdinp
#define stdout __stdoutp
#define stderr __stderrp
extern FILE *__stdinp;
extern FILE *__stdoutp;
extern FILE *__stderrp;

FILE *fopen(const char *path, const char *mode);
FILE *fdopen(int fd, const char *mode);
FILE *open_memstream(char **bytes, size_t *size);
FILE *funopen(const void *cookie, int (*read)(void *, char *, int), int (*write)(void *, const char *, int), off_t (*seek)(void *, off_t, int), int (*close)(void *));
FILE *popen(const char *command, const char *mode);
int pclose(FILE *file);
int fclose(FILE *file);
int fflush(FILE *file);
int fileno(FILE *file);
int ferror(FILE *file);
int feof(FILE *file);
void clearerr(FILE *file);
int setvbuf(FILE *file, char *buffer, int mode, size_t size);
int fseek(FILE *file, long offset, int whence);
long ftell(FILE *file);
int fseeko(FILE *file, off_t offset, int whence);
off_t ftello(FILE *file);
size_t fread(void *bytes, size_t size, size_t count, FILE *file);
size_t fwrite(const void *bytes, size_t size, size_t count, FILE *file);
char *fgets(char *text, int size, FILE *file);
int fgetc(FILE *file);
int getc(FILE *file);
int getchar(void);
int ungetc(int byte, FILE *file);
int fputc(int byte, FILE *file);
int putc(int byte, FILE *file);
int putchar(int byte);
int fputs(const char *text, FILE *file);
int puts(const char *text);
ssize_t getline(char **line, size_t *room, FILE *file);
ssize_t getdelim(char **line, size_t *room, int delimiter, FILE *file);
__attribute__((format(printf, 1, 2))) int printf(const char *format, ...);
__attribute__((format(printf, 2, 3))) int fprintf(FILE *file, const char *format, ...);
__attribute__((format(printf, 2, 3))) int sprintf(char *text, const char *format, ...);
__attribute__((format(printf, 3, 4))) int snprintf(char *text, size_t size, const char *format, ...);
__attribute__((format(printf, 2, 3))) int asprintf(char **text, const char *format, ...);
__attribute__((format(printf, 2, 0))) int vfprintf(FILE *file, const char *format, va_list arguments);
__attribute__((format(printf, 3, 0))) int vsnprintf(char *text, size_t size, const char *format, va_list arguments);
__attribute__((format(scanf, 2, 3))) int sscanf(const char *text, const char *format, ...);
__attribute__((format(scanf, 2, 3))) int fscanf(FILE *file, const char *format, ...);
int rename(const char *from, const char *to);
int remove(const char *path);
void perror(const char *text);

#endif
