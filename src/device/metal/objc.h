/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metal from C: the Objective-C runtime and Metal.framework, opened at run time, and the messages that are sent.
 *
 * A message is a call of objc_msgSend through a pointer of the very type that its method has: the runtime jumps to the
 * method with all registers as they are, so a call through a variadic or an untyped pointer would pass arguments where
 * the method does not look (Apple, "Addressing Architectural Differences in Your macOS Code": cast objc_msgSend). Each of
 * the wn_mtl_ functions below is one such cast.
 *
 * Ownership. Objects from a method whose name begins with new, copy or init, and from MTLCreate... and MTLCopy...
 * functions, are the caller's, to be released once; all others are borrowed, and live until the pool that was the
 * innermost at that time is popped (Apple, "Memory Management Policy"). So whoever calls Metal pushes a pool before
 * and pops it behind; what must live longer is retained. A thread may not leave with a pool pushed.
 *
 * nil. A message to nil does nothing and gives 0. That is used nowhere: a nil is an error at the place that gave it.
 */
#ifndef WN_DEVICE_METAL_OBJC_H
#define WN_DEVICE_METAL_OBJC_H

#include <stddef.h>
#include <stdint.h>

typedef struct objc_object *wn_id;
typedef unsigned long wn_ulong;  /* NSUInteger */

/* MTLSize, by value: the compiler passes it as this machine's ABI has it. */
struct wn_mtl_size {
	wn_ulong width, height, depth;
};

/* MTLCommandBufferStatus and MTLCommandBufferError, as far as they are told apart. */
enum { WN_MTL_COMPLETED = 4, WN_MTL_ERROR = 5 };

/* MTLLanguageVersion: major in the upper 16 bits of 32. */
#define WN_MTL_LANGUAGE(major, minor) ((wn_ulong)(major) << 16 | (minor))

/*
 * A block literal as compilers make it for ^(id) { ... } (Clang, "Block Implementation Specification"). It says that it is
 * global, so that nobody copies it: it lives where its owner has it, for as long as it may be called.
 */
struct wn_mtl_block {
	void *isa;                      /* _NSConcreteGlobalBlock */
	int flags, reserved;
	void (*invoke)(struct wn_mtl_block *block, wn_id command_buffer);
	const struct wn_mtl_block_descriptor *descriptor;
};

/*
 * Opens the two, once for the process; any thread. 0, or -1 and *why is a constant that says what is missing. On other
 * systems than macOS there is nothing to open, unless WARPNIC_METAL names a library that has all of it (tests/metal).
 */
int wn_mtl_open(const char **why);

/* Pools: the innermost is popped first, on the thread that pushed it. */
void *wn_mtl_pool_push(void);
void wn_mtl_pool_pop(void *pool);

wn_id wn_mtl_retain(wn_id object);
void wn_mtl_release(wn_id object);        /* NULL is fine */

/* NSString. text: valid as long as the string; "" for nil. string: borrowed. */
const char *wn_mtl_text(wn_id string);
wn_id wn_mtl_string(const char *text);

/* NSError: its localizedDescription and its code; "" and 0 for nil. */
const char *wn_mtl_error_text(wn_id error);
long wn_mtl_error_code(wn_id error);

/* The devices of this machine: an NSArray, the caller's. */
wn_id wn_mtl_copy_devices(void);
wn_ulong wn_mtl_count(wn_id array);
wn_id wn_mtl_at(wn_id array, wn_ulong index);      /* borrowed */

/* MTLDevice. new_: the caller's, or NULL; *error, where there is one, borrowed. */
const char *wn_mtl_device_name(wn_id device);
wn_id wn_mtl_new_queue(wn_id device, wn_ulong buffers);
wn_id wn_mtl_new_library(wn_id device, const char *text, wn_id options, wn_id *error);
wn_id wn_mtl_new_pipeline(wn_id device, wn_id function, wn_id *error);
wn_id wn_mtl_new_buffer(wn_id device, wn_ulong bytes); /* storage mode shared */
wn_ulong wn_mtl_buffer_bytes_max(wn_id device);

/* MTLCompileOptions: the caller's. Its language version is at first the newest that the system has. */
wn_id wn_mtl_new_compile_options(void);
wn_ulong wn_mtl_language(wn_id options);
void wn_mtl_set_language(wn_id options, wn_ulong version);

wn_id wn_mtl_new_function(wn_id library, const char *name);
wn_ulong wn_mtl_group_lanes_max(wn_id pipeline);
void *wn_mtl_contents(wn_id buffer);

/* MTLCommandQueue, MTLCommandBuffer, MTLComputeCommandEncoder. The first two are borrowed. */
wn_id wn_mtl_command_buffer(wn_id queue);
wn_id wn_mtl_encoder(wn_id command_buffer);
void wn_mtl_set_pipeline(wn_id encoder, wn_id pipeline);
void wn_mtl_set_buffer(wn_id encoder, wn_id buffer, wn_ulong index);
void wn_mtl_set_bytes(wn_id encoder, const void *bytes, wn_ulong length, wn_ulong index);
void wn_mtl_set_group_memory(wn_id encoder, wn_ulong bytes, wn_ulong index);
void wn_mtl_dispatch(wn_id encoder, wn_ulong groups, wn_ulong lanes);
void wn_mtl_end_encoding(wn_id encoder);
void wn_mtl_on_completed(wn_id command_buffer, struct wn_mtl_block *block);
void wn_mtl_commit(wn_id command_buffer);
wn_ulong wn_mtl_status(wn_id command_buffer);
wn_id wn_mtl_command_error(wn_id command_buffer);  /* borrowed */

/* Makes a block that calls `invoke`, on a thread of Metal's. After wn_mtl_open(). */
void wn_mtl_block_init(struct wn_mtl_block *block, void (*invoke)(struct wn_mtl_block *block, wn_id command_buffer));

#endif
