/* SPDX-License-Identifier: Apache-2.0 */
#include "mock.h"

#include <pthread.h>
#include <string.h>

enum { SELECTORS_MAX = 256, POOLS_MAX = 64 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *selectors[SELECTORS_MAX];
static long live;

/* -- objects -- */

void *mock_new(const struct mock_class *class)
{
	struct mock_object *object = calloc(1, class->bytes);

	object->class = class;
	object->owners = 1;
	__atomic_fetch_add(&live, 1, __ATOMIC_RELAXED);
	return object;
}

void mock_must_be(const void *self, const struct mock_class *class)
{
	const struct mock_object *object = self;

	if (!object)
		MOCK_DIE("nil in place of a %s", class->name);
	if (object->class != class)
		MOCK_DIE("a %s in place of a %s", object->class->name, class->name);
	if (__atomic_load_n(&object->owners, __ATOMIC_RELAXED) < 1)
		MOCK_DIE("a %s is used after its last release", class->name);
}

void *mock_retain(void *self)
{
	struct mock_object *object = self;

	if (__atomic_fetch_add(&object->owners, 1, __ATOMIC_RELAXED) < 1)
		MOCK_DIE("a %s is retained after its last release", object->class->name);
	return self;
}

void mock_release(void *self)
{
	struct mock_object *object = self;
	const long owners = __atomic_sub_fetch(&object->owners, 1, __ATOMIC_ACQ_REL);

	if (owners < 0)
		MOCK_DIE("a %s is released once too often", object->class->name);
	if (owners)
		return;
	if (object->class->finish)
		object->class->finish(self);
	__atomic_fetch_sub(&live, 1, __ATOMIC_RELAXED);
}

long wn_mock_live(void)
{
	return __atomic_load_n(&live, __ATOMIC_RELAXED);
}

/* -- pools -- */

struct pool {
	struct pool *outer;
	void **objects;
	size_t count, room;
};

static __thread struct pool *innermost;

void *objc_autoreleasePoolPush(void);
void *objc_autoreleasePoolPush(void)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	pool->outer = innermost;
	innermost = pool;
	return pool;
}

void objc_autoreleasePoolPop(void *given);
void objc_autoreleasePoolPop(void *given)
{
	struct pool *pool = innermost;

	if (!pool || given != pool)
		MOCK_DIE("a pool is popped that is not the innermost one of its thread");
	innermost = pool->outer;
	for (size_t i = 0; i < pool->count; i++)
		mock_release(pool->objects[i]);
	free(pool->objects);
	free(pool);
}

void *mock_autorelease(void *self)
{
	struct pool *pool = innermost;

	if (!pool)
		MOCK_DIE("a %s is autoreleased without a pool", ((struct mock_object *)self)->class->name);
	if (pool->count == pool->room) {
		pool->room = pool->room ? 2 * pool->room : 16;
		pool->objects = realloc(pool->objects, pool->room * sizeof(*pool->objects));
	}
	pool->objects[pool->count++] = self;
	return self;
}

/* -- messages -- */

mock_sel sel_registerName(const char *name);
mock_sel sel_registerName(const char *name)
{
	mock_sel found = NULL;

	pthread_mutex_lock(&lock);
	for (int i = 0; !found; i++) {
		if (i == SELECTORS_MAX)
			MOCK_DIE("too many selectors");
		if (!selectors[i])
			selectors[i] = strdup(name);
		if (!strcmp(selectors[i], name))
			found = selectors[i];
	}
	pthread_mutex_unlock(&lock);
	return found;
}

static const struct mock_method common[] = {
	{"retain", (void (*)(void))mock_retain}, {"release", (void (*)(void))mock_release}, {NULL, NULL}};

static void (*find(const struct mock_method *method, mock_sel selector))(void)
{
	for (; method->name; method++)
		if (!strcmp(method->name, selector))
			return method->body;
	return NULL;
}

/* The method of a message; called by objc_msgSend, which then goes on there. */
void (*wn_mock_find(struct mock_object *self, mock_sel selector))(void);
void (*wn_mock_find(struct mock_object *self, mock_sel selector))(void)
{
	void (*body)(void);

	if (!self)
		MOCK_DIE("message '%s' to nil", selector);
	if (__atomic_load_n(&self->owners, __ATOMIC_RELAXED) < 1)
		MOCK_DIE("message '%s' to a %s after its last release", selector, self->class->name);
	body = find(self->class->methods, selector);
	if (!body)
		body = find(common, selector);
	if (!body)
		MOCK_DIE("%s does not know '%s'", self->class->name, selector);
	return body;
}

/* Arguments stay where they are, in registers and on the stack: only the method is found in between. */
#if defined(__x86_64__)
__asm__(".globl objc_msgSend\n"
	".type objc_msgSend, @function\n"
	"objc_msgSend:\n"
	"	push %rdi\n	push %rsi\n	push %rdx\n	push %rcx\n	push %r8\n	push %r9\n	push %rax\n"
	"	call wn_mock_find@PLT\n"
	"	mov %rax, %r11\n"
	"	pop %rax\n	pop %r9\n	pop %r8\n	pop %rcx\n	pop %rdx\n	pop %rsi\n	pop %rdi\n"
	"	jmp *%r11\n");
#elif defined(__aarch64__)
__asm__(".globl objc_msgSend\n"
	".type objc_msgSend, %function\n"
	"objc_msgSend:\n"
	"	stp x29, x30, [sp, #-96]!\n	stp x0, x1, [sp, #16]\n	stp x2, x3, [sp, #32]\n"
	"	stp x4, x5, [sp, #48]\n	stp x6, x7, [sp, #64]\n	str x8, [sp, #80]\n"
	"	bl wn_mock_find\n"
	"	mov x16, x0\n"
	"	ldp x0, x1, [sp, #16]\n	ldp x2, x3, [sp, #32]\n	ldp x4, x5, [sp, #48]\n"
	"	ldp x6, x7, [sp, #64]\n	ldr x8, [sp, #80]\n	ldp x29, x30, [sp], #96\n"
	"	br x16\n");
#else
#error "the mock knows x86-64 and arm64"
#endif

/* -- strings and errors -- */

struct string {
	struct mock_object object;
	char *text;
};

static void string_finish(void *self)
{
	free(((struct string *)self)->text);
}

static const char *string_utf8(struct string *self, mock_sel selector)
{
	(void)selector;
	return self->text;
}

static const struct mock_method string_methods[] = {{"UTF8String", (void (*)(void))string_utf8}, {NULL, NULL}};
static const struct mock_class string_class = {"NSString", sizeof(struct string), string_methods, string_finish};

void *mock_string(const char *text)
{
	struct string *string = mock_new(&string_class);

	string->text = strdup(text);
	return mock_autorelease(string);
}

const char *mock_text(const void *string)
{
	mock_must_be(string, &string_class);
	return ((const struct string *)string)->text;
}

struct error {
	struct mock_object object;
	long code;
	char *text;
};

static void error_finish(void *self)
{
	free(((struct error *)self)->text);
}

static void *error_description(struct error *self, mock_sel selector)
{
	(void)selector;
	return mock_string(self->text);
}

static long error_code(struct error *self, mock_sel selector)
{
	(void)selector;
	return self->code;
}

static const struct mock_method error_methods[] = {{"localizedDescription", (void (*)(void))error_description},
						   {"code", (void (*)(void))error_code},
						   {NULL, NULL}};
static const struct mock_class error_class = {"NSError", sizeof(struct error), error_methods, error_finish};

void *mock_error(long code, const char *text)
{
	struct error *error = mock_new(&error_class);

	error->code = code;
	error->text = strdup(text);
	return mock_autorelease(error);
}
