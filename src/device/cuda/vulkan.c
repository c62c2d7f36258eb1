/* SPDX-License-Identifier: Apache-2.0 */
/* Types and numbers are those of the Vulkan 1.1 specification and VK_KHR_external_memory_fd; only what is used. */
#include "device/cuda/vulkan.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	APPLICATION_INFO = 0,
	INSTANCE_CREATE_INFO = 1,
	DEVICE_QUEUE_CREATE_INFO = 2,
	DEVICE_CREATE_INFO = 3,
	MEMORY_ALLOCATE_INFO = 5,
	PHYSICAL_DEVICE_PROPERTIES_2 = 1000059001,
	PHYSICAL_DEVICE_ID_PROPERTIES = 1000071004,
	EXPORT_MEMORY_ALLOCATE_INFO = 1000072002,
	MEMORY_GET_FD_INFO = 1000074002,

	OPAQUE_FD = 1,                  /* VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT */
	DEVICE_LOCAL = 1,
	HOST_VISIBLE = 2,
	HOST_COHERENT = 4,
	WANTED = DEVICE_LOCAL | HOST_VISIBLE | HOST_COHERENT,

	DEVICES_MAX = 32,
	PROPERTIES_BYTES = 824          /* VkPhysicalDeviceProperties: of no interest here */
};

#define API_1_1 ((1u << 22) | (1u << 12))

struct application_info {
	int type;
	const void *next;
	const char *name;
	uint32_t version;
	const char *engine;
	uint32_t engine_version;
	uint32_t api_version;
};

struct instance_info {
	int type;
	const void *next;
	uint32_t flags;
	const struct application_info *application;
	uint32_t layer_count;
	const char *const *layers;
	uint32_t extension_count;
	const char *const *extensions;
};

struct id_properties {
	int type;
	void *next;
	uint8_t device_uuid[16];
	uint8_t driver_uuid[16];
	uint8_t luid[8];
	uint32_t node_mask, luid_valid;
};

struct properties {
	int type;
	void *next;
	uint64_t properties[PROPERTIES_BYTES / 8];
};

struct queue_info {
	int type;
	const void *next;
	uint32_t flags, family, count;
	const float *priorities;
};

struct device_info {
	int type;
	const void *next;
	uint32_t flags, queue_count;
	const struct queue_info *queues;
	uint32_t layer_count;
	const char *const *layers;
	uint32_t extension_count;
	const char *const *extensions;
	const void *features;
};

struct memory_properties {
	uint32_t type_count;
	struct {
		uint32_t flags, heap;
	} types[32];
	uint32_t heap_count;
	struct {
		uint64_t bytes;
		uint32_t flags;
	} heaps[16];
};

struct export_info {
	int type;
	const void *next;
	uint32_t handle_types;
};

struct allocate_info {
	int type;
	const void *next;
	uint64_t bytes;
	uint32_t memory_type;
};

struct fd_info {
	int type;
	const void *next;
	uint64_t memory;
	int handle_type;
};

_Static_assert(sizeof(struct id_properties) == 64 && sizeof(struct properties) == 840 &&
		       sizeof(struct memory_properties) == 520,
	       "as the Vulkan specification has them");

struct entries {
	void *(*get)(void *instance, const char *name);
	int (*create_instance)(const struct instance_info *info, const void *allocator, void **instance);
	void (*destroy_instance)(void *instance, const void *allocator);
	int (*list_devices)(void *instance, uint32_t *count, void **devices);
	void (*describe)(void *device, struct properties *properties);
	void (*describe_memory)(void *device, struct memory_properties *properties);
	int (*create_device)(void *physical, const struct device_info *info, const void *allocator, void **device);
	void (*destroy_device)(void *device, const void *allocator);
	int (*allocate)(void *device, const struct allocate_info *info, const void *allocator, uint64_t *memory);
	void (*release)(void *device, uint64_t memory, const void *allocator);
	int (*map)(void *device, uint64_t memory, uint64_t offset, uint64_t bytes, uint32_t flags, void **address);
	void *(*get_of_device)(void *device, const char *name);
};

static int find(const struct entries *entries, void *instance, const char *name, void *entry)
{
	void *found = entries->get(instance, name);

	memcpy(entry, &found, sizeof(found));
	return found != NULL;
}

static int fail(struct wn_error *error, int code, const char *what)
{
	return wn_fail(error, code, WN_UNAVAILABLE, "GPU memory that the host can write: %s", what);
}

static int make_instance(struct wn_gpu_memory *memory, struct entries *entries, struct wn_error *error)
{
	const struct application_info application = {.type = APPLICATION_INFO, .name = "warpnic", .api_version = API_1_1};
	const struct instance_info info = {.type = INSTANCE_CREATE_INFO, .application = &application};
	void *found;

	memory->library = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
	if (!memory->library)
		return fail(error, ENOENT, "libvulkan.so.1 is not here (Debian: libvulkan1)");
	found = dlsym(memory->library, "vkGetInstanceProcAddr");
	memcpy(&entries->get, &found, sizeof(found));
	if (!found || !find(entries, NULL, "vkCreateInstance", &entries->create_instance))
		return fail(error, ENOSYS, "libvulkan.so.1 has no vkCreateInstance");
	if (entries->create_instance(&info, NULL, &memory->instance)) {
		memory->instance = NULL;
		return fail(error, ENODEV, "no Vulkan 1.1 driver is installed (an icd.d/nvidia_icd.json belongs to NVIDIA's)");
	}
	if (find(entries, memory->instance, "vkDestroyInstance", &entries->destroy_instance) &&
	    find(entries, memory->instance, "vkEnumeratePhysicalDevices", &entries->list_devices) &&
	    find(entries, memory->instance, "vkGetPhysicalDeviceProperties2", &entries->describe) &&
	    find(entries, memory->instance, "vkGetPhysicalDeviceMemoryProperties", &entries->describe_memory) &&
	    find(entries, memory->instance, "vkCreateDevice", &entries->create_device) &&
	    find(entries, memory->instance, "vkDestroyDevice", &entries->destroy_device) &&
	    find(entries, memory->instance, "vkAllocateMemory", &entries->allocate) &&
	    find(entries, memory->instance, "vkFreeMemory", &entries->release) &&
	    find(entries, memory->instance, "vkMapMemory", &entries->map) &&
	    find(entries, memory->instance, "vkGetDeviceProcAddr", &entries->get_of_device))
		return 0;
	return fail(error, ENOSYS, "the Vulkan driver lacks a call of version 1.1");
}

/* The GPU with this UUID, or NULL. */
static void *find_gpu(const struct wn_gpu_memory *memory, const struct entries *entries, const uint8_t uuid[16])
{
	void *devices[DEVICES_MAX];
	uint32_t count = DEVICES_MAX;

	if (entries->list_devices(memory->instance, &count, devices) < 0)
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		struct id_properties id = {.type = PHYSICAL_DEVICE_ID_PROPERTIES};
		struct properties properties = {.type = PHYSICAL_DEVICE_PROPERTIES_2, .next = &id};

		entries->describe(devices[i], &properties);
		if (!memcmp(id.device_uuid, uuid, sizeof(id.device_uuid)))
			return devices[i];
	}
	return NULL;
}

/* The memory type, or -1: plain first, for one that the host caches too would not be the GPU's. */
static int find_type(const struct entries *entries, void *gpu, size_t bytes)
{
	struct memory_properties properties;

	memset(&properties, 0, sizeof(properties));
	entries->describe_memory(gpu, &properties);
	for (uint32_t i = 0; i < properties.type_count && i < 32; i++)
		if ((properties.types[i].flags & 0xf) == WANTED && properties.heaps[properties.types[i].heap % 16].bytes > bytes)
			return (int)i;
	return -1;
}

static int make_device(struct wn_gpu_memory *memory, const struct entries *entries, void *gpu, struct wn_error *error)
{
	static const char *const extensions[] = {"VK_KHR_external_memory_fd"};
	static const float priority = 1;
	const struct queue_info queue = {.type = DEVICE_QUEUE_CREATE_INFO, .count = 1, .priorities = &priority};
	const struct device_info info = {.type = DEVICE_CREATE_INFO, .queue_count = 1, .queues = &queue,
					 .extension_count = 1, .extensions = extensions};

	if (!entries->create_device(gpu, &info, NULL, &memory->device))
		return 0;
	memory->device = NULL;
	return fail(error, ENODEV, "the Vulkan driver opens no device with VK_KHR_external_memory_fd");
}

static int allocate(struct wn_gpu_memory *memory, const struct entries *entries, int type, struct wn_error *error)
{
	const struct export_info exported = {.type = EXPORT_MEMORY_ALLOCATE_INFO, .handle_types = OPAQUE_FD};
	const struct allocate_info info = {.type = MEMORY_ALLOCATE_INFO, .next = &exported, .bytes = memory->bytes,
					   .memory_type = (uint32_t)type};
	struct fd_info wanted = {.type = MEMORY_GET_FD_INFO, .handle_type = OPAQUE_FD};
	int (*get_fd)(void *device, const struct fd_info *info, int *fd);
	void *found = entries->get_of_device(memory->device, "vkGetMemoryFdKHR"), *address = NULL;

	memcpy(&get_fd, &found, sizeof(found));
	if (!found)
		return fail(error, ENOSYS, "the Vulkan driver has no vkGetMemoryFdKHR");
	if (entries->allocate(memory->device, &info, NULL, &memory->allocation)) {
		memory->allocation = 0;
		return fail(error, ENOMEM, "the GPU has not that much of it (its BAR may be small)");
	}
	wanted.memory = memory->allocation;
	if (entries->map(memory->device, memory->allocation, 0, memory->bytes, 0, &address))
		return fail(error, ENOMEM, "the driver does not map it");
	memory->memory = address;
	return get_fd(memory->device, &wanted, &memory->fd) ? fail(error, EIO, "the driver gives no descriptor of it") : 0;
}

int wn_gpu_memory_open(struct wn_gpu_memory *memory, const uint8_t uuid[16], size_t bytes, struct wn_error *error)
{
	struct entries entries;
	void *gpu = NULL;
	int rc, type = -1;

	memset(memory, 0, sizeof(*memory));
	memory->fd = -1;
	memory->bytes = (bytes + (2u << 20) - 1) / (2u << 20) * (2u << 20);
	rc = make_instance(memory, &entries, error);
	if (!rc) {
		gpu = find_gpu(memory, &entries, uuid);
		rc = gpu ? 0 : fail(error, ENODEV, "the Vulkan driver does not know this GPU");
	}
	if (!rc) {
		type = find_type(&entries, gpu, memory->bytes);
		rc = type >= 0 ? 0 : fail(error, ENOTSUP, "this GPU has no such memory (resizable BAR off?)");
	}
	if (!rc)
		rc = make_device(memory, &entries, gpu, error);
	if (!rc)
		rc = allocate(memory, &entries, type, error);
	if (rc)
		wn_gpu_memory_close(memory);
	return rc;
}

void wn_gpu_memory_close(struct wn_gpu_memory *memory)
{
	struct entries entries;
	void *found;

	if (memory->library && memory->instance) {
		found = dlsym(memory->library, "vkGetInstanceProcAddr");
		memcpy(&entries.get, &found, sizeof(found));
		/* Freeing unmaps (Vulkan specification, vkFreeMemory). */
		if (memory->allocation && find(&entries, memory->instance, "vkFreeMemory", &entries.release))
			entries.release(memory->device, memory->allocation, NULL);
		if (memory->device && find(&entries, memory->instance, "vkDestroyDevice", &entries.destroy_device))
			entries.destroy_device(memory->device, NULL);
		if (find(&entries, memory->instance, "vkDestroyInstance", &entries.destroy_instance))
			entries.destroy_instance(memory->instance, NULL);
	}
	if (memory->library && memory->fd >= 0)
		close(memory->fd);
	/* The library stays: drivers leave threads and handlers behind. */
	memset(memory, 0, sizeof(*memory));
	memory->fd = -1;
}
