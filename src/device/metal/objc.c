/* SPDX-License-Identifier: Apache-2.0 */
#include "device/metal/objc.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBJC "/usr/lib/libobjc.A.dylib"
#define SYSTEM "/usr/lib/libSystem.B.dylib"
#define METAL "/System/Library/Frameworks/Metal.framework/Metal"
/* Without it a program that is not an application gets no device (Apple, MTLCreateSystemDefaultDevice). */
#define CORE_GRAPHICS "/System/Library/Frameworks/CoreGraphics.framework/CoreGraphics"

typedef struct objc_selector *wn_sel;

struct wn_mtl_block_descriptor {
	unsigned long reserved, size;
	const char *signature;
};

enum { BLOCK_IS_GLOBAL = 1 << 28, BLOCK_HAS_SIGNATURE = 1 << 30 };

/* void (^)(id): the block itself, and an object behind it. */
static const struct wn_mtl_block_descriptor descriptor = {0, sizeof(struct wn_mtl_block), "v16@?0@8"};

/* Every selector once; X(C name, selector). */
#define SELECTORS(X)                                                                                                   \
	X(retain, "retain") X(release, "release") X(new_object, "new") X(count, "count") X(at, "objectAtIndex:")       \
	X(utf8, "UTF8String") X(with_utf8, "stringWithUTF8String:") X(description, "localizedDescription")             \
	X(code, "code") X(name, "name") X(queue, "newCommandQueueWithMaxCommandBufferCount:")                          \
	X(library, "newLibraryWithSource:options:error:") X(function, "newFunctionWithName:")                          \
	X(pipeline, "newComputePipelineStateWithFunction:error:") X(buffer, "newBufferWithLength:options:")            \
	X(bytes_max, "maxBufferLength") X(language, "languageVersion") X(set_language, "setLanguageVersion:")          \
	X(lanes_max, "maxTotalThreadsPerThreadgroup") X(contents, "contents") X(command_buffer, "commandBuffer")       \
	X(encoder, "computeCommandEncoder") X(set_pipeline, "setComputePipelineState:")                                \
	X(set_buffer, "setBuffer:offset:atIndex:") X(set_bytes, "setBytes:length:atIndex:")                            \
	X(set_memory, "setThreadgroupMemoryLength:atIndex:") X(dispatch, "dispatchThreadgroups:threadsPerThreadgroup:") \
	X(end, "endEncoding") X(on_completed, "addCompletedHandler:") X(commit, "commit") X(status, "status")          \
	X(error, "error")
#define SELECTOR_MEMBER(member, selector) wn_sel member;

static struct {
	int is_open;
	const char *why;
	char text[256];
	void (*send)(void);
	wn_id (*class_of)(const char *name);
	wn_sel (*selector_of)(const char *name);
	void *(*pool_push)(void);
	void (*pool_pop)(void *pool);
	wn_id (*copy_devices)(void);
	void *global_block;
	struct { SELECTORS(SELECTOR_MEMBER) } of;
} objc;

/* objc_msgSend as a function of this type. */
#define SEND0(result) ((result (*)(wn_id, wn_sel))objc.send)
#define SEND(result, ...) ((result (*)(wn_id, wn_sel, __VA_ARGS__))objc.send)

/* -- opening -- */

static int is_missing(const char *what, const char *where)
{
	snprintf(objc.text, sizeof(objc.text), "no Metal: %s is not in %s", what, where);
	objc.why = objc.text;
	return -1;
}

static void *find(void *first, void *second, const char *name)
{
	void *found = first ? dlsym(first, name) : NULL;

	return found || !second ? found : dlsym(second, name);
}

#define SELECTOR_FIND(member, selector) objc.of.member = objc.selector_of(selector);

static int find_all(void *runtime, void *metal, void *system, const char *where)
{
	*(void **)&objc.send = find(runtime, NULL, "objc_msgSend");
	*(void **)&objc.class_of = find(runtime, NULL, "objc_getClass");
	*(void **)&objc.selector_of = find(runtime, NULL, "sel_registerName");
	*(void **)&objc.pool_push = find(runtime, NULL, "objc_autoreleasePoolPush");
	*(void **)&objc.pool_pop = find(runtime, NULL, "objc_autoreleasePoolPop");
	*(void **)&objc.copy_devices = find(metal, runtime, "MTLCopyAllDevices");
	objc.global_block = find(runtime, system, "_NSConcreteGlobalBlock");
	if (!objc.send || !objc.class_of || !objc.selector_of)
		return is_missing("the Objective-C runtime", where);
	if (!objc.pool_push || !objc.pool_pop)
		return is_missing("objc_autoreleasePoolPush", where);
	if (!objc.copy_devices)
		return is_missing("MTLCopyAllDevices", where);
	if (!objc.global_block)
		return is_missing("_NSConcreteGlobalBlock", where);
	SELECTORS(SELECTOR_FIND)
	return 0;
}

static int open_library(const char *path)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	return library ? find_all(library, NULL, NULL, path) : is_missing("what WARPNIC_METAL names", path);
}

static int open_system(void)
{
#if defined(__APPLE__)
	void *runtime = dlopen(OBJC, RTLD_NOW), *system = dlopen(SYSTEM, RTLD_NOW), *metal;

	dlopen(CORE_GRAPHICS, RTLD_NOW);
	metal = dlopen(METAL, RTLD_NOW);
	if (!runtime || !metal)
		return is_missing(runtime ? "Metal" : "the Objective-C runtime", runtime ? METAL : OBJC);
	return find_all(runtime, metal, system, "this macOS");
#else
	objc.why = "Metal: only on macOS";
	return -1;
#endif
}

static void open_once(void)
{
	const char *path = getenv("WARPNIC_METAL");

	objc.is_open = !(path && *path ? open_library(path) : open_system());
}

int wn_mtl_open(const char **why)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, open_once);
	*why = objc.why;
	return objc.is_open ? 0 : -1;
}

/* -- messages -- */

void *wn_mtl_pool_push(void)
{
	return objc.pool_push();
}

void wn_mtl_pool_pop(void *pool)
{
	objc.pool_pop(pool);
}

wn_id wn_mtl_retain(wn_id object)
{
	return SEND0(wn_id)(object, objc.of.retain);
}

void wn_mtl_release(wn_id object)
{
	if (object)
		SEND0(void)(object, objc.of.release);
}

const char *wn_mtl_text(wn_id string)
{
	const char *text = string ? SEND0(const char *)(string, objc.of.utf8) : NULL;

	return text ? text : "";
}

wn_id wn_mtl_string(const char *text)
{
	return SEND(wn_id, const char *)(objc.class_of("NSString"), objc.of.with_utf8, text);
}

const char *wn_mtl_error_text(wn_id error)
{
	return error ? wn_mtl_text(SEND0(wn_id)(error, objc.of.description)) : "";
}

long wn_mtl_error_code(wn_id error)
{
	return error ? SEND0(long)(error, objc.of.code) : 0;
}

wn_id wn_mtl_copy_devices(void)
{
	return objc.copy_devices();
}

wn_ulong wn_mtl_count(wn_id array)
{
	return SEND0(wn_ulong)(array, objc.of.count);
}

wn_id wn_mtl_at(wn_id array, wn_ulong index)
{
	return SEND(wn_id, wn_ulong)(array, objc.of.at, index);
}

const char *wn_mtl_device_name(wn_id device)
{
	return wn_mtl_text(SEND0(wn_id)(device, objc.of.name));
}

wn_id wn_mtl_new_queue(wn_id device, wn_ulong buffers)
{
	return SEND(wn_id, wn_ulong)(device, objc.of.queue, buffers);
}

wn_id wn_mtl_new_library(wn_id device, const char *text, wn_id options, wn_id *error)
{
	wn_id source = wn_mtl_string(text);

	*error = NULL;
	return source ? SEND(wn_id, wn_id, wn_id, wn_id *)(device, objc.of.library, source, options, error) : NULL;
}

wn_id wn_mtl_new_pipeline(wn_id device, wn_id function, wn_id *error)
{
	*error = NULL;
	return SEND(wn_id, wn_id, wn_id *)(device, objc.of.pipeline, function, error);
}

wn_id wn_mtl_new_buffer(wn_id device, wn_ulong bytes)
{
	/* MTLResourceStorageModeShared is 0. */
	return SEND(wn_id, wn_ulong, wn_ulong)(device, objc.of.buffer, bytes, 0);
}

wn_ulong wn_mtl_buffer_bytes_max(wn_id device)
{
	return SEND0(wn_ulong)(device, objc.of.bytes_max);
}

wn_id wn_mtl_new_compile_options(void)
{
	return SEND0(wn_id)(objc.class_of("MTLCompileOptions"), objc.of.new_object);
}

wn_ulong wn_mtl_language(wn_id options)
{
	return SEND0(wn_ulong)(options, objc.of.language);
}

void wn_mtl_set_language(wn_id options, wn_ulong version)
{
	SEND(void, wn_ulong)(options, objc.of.set_language, version);
}

wn_id wn_mtl_new_function(wn_id library, const char *name)
{
	return SEND(wn_id, wn_id)(library, objc.of.function, wn_mtl_string(name));
}

wn_ulong wn_mtl_group_lanes_max(wn_id pipeline)
{
	return SEND0(wn_ulong)(pipeline, objc.of.lanes_max);
}

void *wn_mtl_contents(wn_id buffer)
{
	return SEND0(void *)(buffer, objc.of.contents);
}

wn_id wn_mtl_command_buffer(wn_id queue)
{
	return SEND0(wn_id)(queue, objc.of.command_buffer);
}

wn_id wn_mtl_encoder(wn_id command_buffer)
{
	return SEND0(wn_id)(command_buffer, objc.of.encoder);
}

void wn_mtl_set_pipeline(wn_id encoder, wn_id pipeline)
{
	SEND(void, wn_id)(encoder, objc.of.set_pipeline, pipeline);
}

void wn_mtl_set_buffer(wn_id encoder, wn_id buffer, wn_ulong index)
{
	SEND(void, wn_id, wn_ulong, wn_ulong)(encoder, objc.of.set_buffer, buffer, 0, index);
}

void wn_mtl_set_bytes(wn_id encoder, const void *bytes, wn_ulong length, wn_ulong index)
{
	SEND(void, const void *, wn_ulong, wn_ulong)(encoder, objc.of.set_bytes, bytes, length, index);
}

void wn_mtl_set_group_memory(wn_id encoder, wn_ulong bytes, wn_ulong index)
{
	SEND(void, wn_ulong, wn_ulong)(encoder, objc.of.set_memory, bytes, index);
}

void wn_mtl_dispatch(wn_id encoder, wn_ulong groups, wn_ulong lanes)
{
	const struct wn_mtl_size grid = {groups, 1, 1}, group = {lanes, 1, 1};

	SEND(void, struct wn_mtl_size, struct wn_mtl_size)(encoder, objc.of.dispatch, grid, group);
}

void wn_mtl_end_encoding(wn_id encoder)
{
	SEND0(void)(encoder, objc.of.end);
}

void wn_mtl_on_completed(wn_id command_buffer, struct wn_mtl_block *block)
{
	SEND(void, struct wn_mtl_block *)(command_buffer, objc.of.on_completed, block);
}

void wn_mtl_commit(wn_id command_buffer)
{
	SEND0(void)(command_buffer, objc.of.commit);
}

wn_ulong wn_mtl_status(wn_id command_buffer)
{
	return SEND0(wn_ulong)(command_buffer, objc.of.status);
}

wn_id wn_mtl_command_error(wn_id command_buffer)
{
	return SEND0(wn_id)(command_buffer, objc.of.error);
}

void wn_mtl_block_init(struct wn_mtl_block *block, void (*invoke)(struct wn_mtl_block *block, wn_id command_buffer))
{
	block->isa = objc.global_block;
	block->flags = BLOCK_IS_GLOBAL | BLOCK_HAS_SIGNATURE;
	block->reserved = 0;
	block->invoke = invoke;
	block->descriptor = &descriptor;
}
