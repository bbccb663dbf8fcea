// A device for tests that is not the CPU and needs no hardware.
//
// tch can name four devices: Cpu, Cuda, Mps and Vulkan. On Linux, libtorch has no kernels for
// MPS, but it has everything above them: autograd, views and composite operations. This
// file registers what is missing below, so that `mps:0` is a device whose memory is the host's and
// whose results are the CPU's.
//
//  - Memory is allocated by the CPU's allocator and tagged as belonging to `mps:0`.
//  - An operation without a kernel of its own comes to `run_on_cpu`. It hands the CPU's kernel
//    tensors that share memory with those of the device, so nothing is copied and what is written
//    in place or to `out=` is written to the device's tensors.
//  - As on a GPU, a tensor of the CPU is refused beside tensors of the device, unless it is a scalar
//    (without dimensions). Code that forgets to move a tensor fails here, without a GPU.
//  - Counters show how often a GPU would have been asked to work, and how often it would have been
//    waited for.
//
// Random numbers are the CPU generator's.

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/EmptyTensor.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/detail/MPSHooksInterface.h>
#include <ATen/ops/_local_scalar_dense.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

using at::Tensor;
using c10::IValue;
using Stack = torch::jit::Stack;

const c10::Device kFake(c10::DeviceType::MPS, 0);
const c10::Device kHost(c10::DeviceType::CPU);

// ---- Counters ----------------------------------------------------------------------------------

// Backward passes run on a thread of their own, hence atomic.
std::atomic<int64_t> operations{0};
std::atomic<int64_t> copies_to_device{0};
std::atomic<int64_t> copies_to_host{0};
std::atomic<int64_t> scalar_reads{0};

// Operations by name, and their list as text.
std::mutex names_lock;
std::map<std::string, int64_t> names;
std::string names_text;

void count_operation(const std::string& name) {
  ++operations;
  const std::lock_guard<std::mutex> locked(names_lock);
  ++names[name];
}

// ---- Memory ------------------------------------------------------------------------------------

// The CPU's memory, tagged as the device's.
struct FakeAllocator final : c10::Allocator {
  c10::DataPtr allocate(size_t bytes) override {
    c10::DataPtr host = c10::GetCPUAllocator()->allocate(bytes);
    void* data = host.get();
    const c10::DeleterFnPtr deleter = host.get_deleter();
    return {data, host.release_context(), deleter, kFake};
  }
  c10::DeleterFnPtr raw_deleter() const override {
    return c10::GetCPUAllocator()->raw_deleter();
  }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }
};

FakeAllocator allocator;

c10::Allocator* allocator_of(c10::Device device) {
  return device == kFake ? &allocator : c10::GetCPUAllocator();
}

// Storage on `device` with the same memory as `from`, which it keeps alive.
c10::Storage share(const c10::Storage& from, c10::Device device) {
  auto release = [](void* keeper) { delete static_cast<c10::Storage*>(keeper); };
  c10::DataPtr data(from.mutable_data(), new c10::Storage(from), release, device);
  return c10::Storage(c10::make_intrusive<c10::StorageImpl>(
      c10::StorageImpl::use_byte_size_t(), from.nbytes(), std::move(data), allocator_of(device),
      /*resizable=*/true));
}

// A tensor of `storage` that looks as `like` does.
Tensor tensor_of(c10::Storage storage, const Tensor& like) {
  const bool on_device = storage.device() == kFake;
  const auto key = on_device ? c10::DispatchKey::MPS : c10::DispatchKey::CPU;
  Tensor made = at::detail::make_tensor<c10::TensorImpl>(
      std::move(storage), c10::DispatchKeySet(key), like.dtype());
  auto* impl = made.unsafeGetTensorImpl();
  impl->set_sizes_and_strides(like.sizes(), like.strides(), like.storage_offset());
  // A number that came from source code does not decide about the result's type.
  if (like.unsafeGetTensorImpl()->is_wrapped_number()) {
    impl->set_wrapped_number(true);
  }
  return made;
}

// ---- From the device to the CPU and back -------------------------------------------------------

// One call of a CPU kernel: remembers which storage of the CPU stands for which of the device, so
// that tensors which share memory still do so, and views come back as views.
class Call {
 public:
  explicit Call(std::string name) : name_(std::move(name)) {}

  // What the CPU's kernel gets for an argument.
  IValue to_host(const IValue& value, const c10::Argument& argument) {
    const bool written = argument.alias_info() != nullptr && argument.alias_info()->isWrite();
    if (value.isTensor()) {
      return to_host(value.toTensor(), argument.name(), written);
    }
    if (value.isTensorList()) {
      c10::List<Tensor> list;
      for (const Tensor& tensor : value.toTensorVector()) {
        list.push_back(to_host(tensor, argument.name(), written));
      }
      return list;
    }
    if (value.isOptionalTensorList()) {
      c10::List<std::optional<Tensor>> list;
      for (const std::optional<Tensor>& tensor : value.toOptionalTensorVector()) {
        list.push_back(tensor ? std::optional(to_host(*tensor, argument.name(), false)) : tensor);
      }
      return list;
    }
    if (value.isStorage() && value.toStorage().device() == kFake) {
      return to_host(value.toStorage());
    }
    if (value.isDevice() && value.toDevice() == kFake) {
      return kHost;
    }
    return value;
  }

  Tensor to_host(const Tensor& tensor, const std::string& argument, bool written) {
    if (!tensor.defined()) {
      return tensor;
    }
    if (tensor.device() != kFake) {
      TORCH_CHECK(
          tensor.device() == kHost && tensor.dim() == 0 && !written, name_,
          " got a tensor of another device: `", argument, "`, of shape ", tensor.sizes(),
          ", is on ", tensor.device(), ", and others are on the fake device");
      return tensor;
    }
    Tensor alias = tensor_of(to_host(tensor.storage()), tensor);
    if (written) {
      written_.emplace_back(tensor, alias);
    }
    return alias;
  }

  // What the caller gets for a result.
  IValue to_device(const IValue& value) {
    if (value.isTensor()) {
      return to_device(value.toTensor());
    }
    if (value.isTensorList()) {
      c10::List<Tensor> list;
      for (const Tensor& tensor : value.toTensorVector()) {
        list.push_back(to_device(tensor));
      }
      return list;
    }
    return value;
  }

  Tensor to_device(const Tensor& tensor) {
    return tensor.defined() ? tensor_of(to_device(tensor.storage()), tensor) : tensor;
  }

  // Gives the device's tensors the sizes and memory that the CPU's kernel has given those which
  // stood for them.
  void keep_sizes() {
    for (auto& [tensor, alias] : written_) {
      const c10::Storage& ours = tensor.storage();
      const c10::Storage& theirs = alias.storage();
      auto* impl = tensor.unsafeGetTensorImpl();
      if (!to_device(theirs).is_alias_of(ours)) {
        impl->set_storage_keep_dtype(to_device(theirs));
      } else if (theirs.nbytes() != ours.nbytes() || theirs.data() != ours.data()) {
        // Other tensors that share the storage see that it has grown, too.
        c10::Storage grown = share(theirs, kFake);
        auto* storage = ours.unsafeGetStorageImpl();
        storage->set_data_ptr_noswap(std::move(grown.unsafeGetStorageImpl()->_mutable_data_ptr_no_checks()));
        storage->set_nbytes(theirs.nbytes());
      }
      if (tensor.sizes() != alias.sizes() || tensor.strides() != alias.strides() ||
          tensor.storage_offset() != alias.storage_offset()) {
        impl->set_sizes_and_strides(alias.sizes(), alias.strides(), alias.storage_offset());
      }
    }
  }

 private:
  c10::Storage to_host(const c10::Storage& storage) {
    return find(to_host_, to_device_, storage, kHost);
  }

  c10::Storage to_device(const c10::Storage& storage) {
    return find(to_device_, to_host_, storage, kFake);
  }

  using Known = std::unordered_map<const c10::StorageImpl*, c10::Storage>;

  static c10::Storage find(
      Known& known, Known& back, const c10::Storage& storage, c10::Device device) {
    const auto found = known.find(storage.unsafeGetStorageImpl());
    if (found != known.end()) {
      return found->second;
    }
    c10::Storage shared = share(storage, device);
    known.emplace(storage.unsafeGetStorageImpl(), shared);
    back.emplace(shared.unsafeGetStorageImpl(), storage);
    return shared;
  }

  std::string name_;
  Known to_host_;
  Known to_device_;
  // Tensors of the device that the kernel may write to, with those that stand for them.
  std::vector<std::pair<Tensor, Tensor>> written_;
};

// ---- Every operation without a kernel of its own -----------------------------------------------

bool is_alias(const c10::Argument& it, bool written) {
  return it.alias_info() != nullptr && it.alias_info()->isWrite() == written;
}

// Counts what a GPU would have done for the operation.
void count(const c10::FunctionSchema& schema) {
  // These change what a tensor says about its memory.
  static const std::set<std::string> free{"aten::resize_", "aten::set_", "aten::is_set_to"};
  // The size of the result depends on values, so the host has to wait for them.
  static const std::set<std::string> waited_for{
      "aten::nonzero", "aten::masked_select", "aten::_unique2", "aten::unique_dim",
      "aten::unique_consecutive", "aten::repeat_interleave"};
  bool reads = waited_for.count(schema.name()) != 0;
  for (const c10::Argument& result : schema.returns()) {
    if (is_alias(result, false)) {
      return;
    }
    const auto kind = result.type()->kind();
    reads |= kind == c10::TypeKind::BoolType || kind == c10::TypeKind::IntType ||
        kind == c10::TypeKind::FloatType || kind == c10::TypeKind::NumberType;
  }
  if (free.count(schema.name()) == 0) {
    count_operation(schema.name());
    scalar_reads += reads ? 1 : 0;
  }
}

void run_on_cpu(const c10::OperatorHandle& op, Stack* stack) {
  const c10::FunctionSchema& schema = op.schema();
  const auto& arguments = schema.arguments();
  const size_t first = stack->size() - arguments.size();
  const std::vector<IValue> given(stack->begin() + static_cast<int64_t>(first), stack->end());
  Call call(schema.name());
  for (size_t i = 0; i < arguments.size(); ++i) {
    (*stack)[first + i] = call.to_host(given[i], arguments[i]);
  }
  count(schema);
  {
    at::AutoDispatchBelowADInplaceOrView without_autograd;
    op.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), stack);
  }
  call.keep_sizes();
  const auto& results = schema.returns();
  const size_t first_result = stack->size() - results.size();
  for (size_t i = 0; i < results.size(); ++i) {
    IValue& result = (*stack)[first_result + i];
    if (!is_alias(results[i], true)) {
      result = call.to_device(result);
      continue;
    }
    // What was written in place is the caller's own tensor.
    for (size_t j = 0; j < arguments.size(); ++j) {
      if (is_alias(arguments[j], true) && *arguments[j].alias_info() == *results[i].alias_info()) {
        result = given[j];
      }
    }
  }
}

// ---- Operations for which libtorch has no such way to the CPU ----------------------------------

Tensor empty(
    at::IntArrayRef size, std::optional<at::ScalarType> kind, std::optional<at::Layout>,
    std::optional<at::Device>, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  const c10::DispatchKeySet key(c10::DispatchKey::MPS);
  return at::detail::empty_generic(size, &allocator, key, c10::dtype_or_default(kind), format);
}

Tensor empty_strided(
    at::IntArrayRef size, at::IntArrayRef stride, std::optional<at::ScalarType> kind,
    std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>) {
  const c10::DispatchKeySet key(c10::DispatchKey::MPS);
  return at::detail::empty_strided_generic(
      size, stride, &allocator, key, c10::dtype_or_default(kind));
}

// Copies between any two of the device and the CPU. libtorch's own knows a fixed list of devices.
Tensor& copy_(Tensor& self, const Tensor& source, bool) {
  Call call("aten::copy_");
  const bool to = self.device() == kFake;
  const bool from = source.device() == kFake;
  if (to && from) {
    count_operation("aten::copy_");
  } else {
    ++(to ? copies_to_device : copies_to_host);
  }
  Tensor target = to ? call.to_host(self, "self", true) : self;
  at::AutoDispatchBelowADInplaceOrView without_autograd;
  target.copy_(from ? call.to_host(source, "src", false) : source);
  return self;
}

// Reads one number, for which the host would wait for the device.
at::Scalar local_scalar_dense(const Tensor& self) {
  ++scalar_reads;
  return at::_local_scalar_dense(Call("aten::_local_scalar_dense").to_host(self, "self", false));
}

Tensor convolution(
    const Tensor& input, const Tensor& weight, const std::optional<Tensor>& bias,
    at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed,
    at::IntArrayRef output_padding, int64_t groups) {
  Call call("aten::convolution");
  count_operation("aten::convolution");
  at::AutoDispatchBelowADInplaceOrView without_autograd;
  const auto host_bias = bias ? std::optional(call.to_host(*bias, "bias", false)) : bias;
  return call.to_device(at::convolution(
      call.to_host(input, "input", false), call.to_host(weight, "weight", false), host_bias, stride,
      padding, dilation, transposed, output_padding, groups));
}

std::tuple<Tensor, Tensor, Tensor> convolution_backward(
    const Tensor& gradient, const Tensor& input, const Tensor& weight, at::IntArrayRef stride,
    at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed,
    at::IntArrayRef output_padding, int64_t groups, std::array<bool, 3> wanted) {
  Call call("aten::convolution_backward");
  count_operation("aten::convolution_backward");
  at::AutoDispatchBelowADInplaceOrView without_autograd;
  const int64_t outputs = transposed ? weight.size(1) * groups : weight.size(0);
  const auto [of_input, of_weight, of_bias] = at::convolution_backward(
      call.to_host(gradient, "grad_output", false), call.to_host(input, "input", false),
      call.to_host(weight, "weight", false), at::OptionalIntArrayRef(at::IntArrayRef(outputs)),
      stride, padding, dilation, transposed, output_padding, groups, wanted);
  return {call.to_device(of_input), call.to_device(of_weight), call.to_device(of_bias)};
}

// ---- Registration ------------------------------------------------------------------------------

// Answers autograd's questions about the accelerator. Without it, there is no backward pass.
struct FakeHooks final : at::MPSHooksInterface {
  bool hasMPS() const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  void init() const override {}
  c10::DeviceIndex deviceCount() const override { return 1; }
  void setCurrentDevice(c10::DeviceIndex) const override {}
  c10::DeviceIndex getCurrentDevice() const override { return 0; }
  c10::DeviceIndex exchangeDevice(c10::DeviceIndex) const override { return 0; }
  c10::DeviceIndex maybeExchangeDevice(c10::DeviceIndex) const override { return 0; }
  const at::Generator& getDefaultGenerator(c10::DeviceIndex) const override {
    return at::detail::getDefaultCPUGenerator();
  }
};

// The device has one stream, on which everything is done at once. Its index is always 0, where
// the base class says that it is not known.
struct FakeGuard final : c10::impl::NoOpDeviceGuardImpl<c10::DeviceType::MPS> {
  c10::Device exchangeDevice(c10::Device) const override { return kFake; }
  c10::Device getDevice() const override { return kFake; }
  c10::Stream getStream(c10::Device) const noexcept override { return stream(); }
  c10::Stream getNewStream(c10::Device, int) const override { return stream(); }
  c10::Stream exchangeStream(c10::Stream) const noexcept override { return stream(); }

 private:
  static c10::Stream stream() { return c10::Stream(c10::Stream::DEFAULT, kFake); }
};

void install() {
  TORCH_CHECK(
      !c10::impl::hasDeviceGuardImpl(kFake.type()), "this libtorch has a device mps of its own");
  c10::SetAllocator(kFake.type(), &allocator);
  c10::impl::registerDeviceGuard(kFake.type(), new FakeGuard());
  at::MPSHooksRegistry()->Register(
      "MPSHooks", [](at::MPSHooksArgs) { return std::make_unique<FakeHooks>(); });
  TORCH_CHECK(at::hasMPS(), "the fake device has to be installed before torch is first used");
  constexpr auto key = c10::DispatchKey::MPS;
  // Never freed: tensors may live as long as the process.
  auto* all = new torch::Library(torch::Library::IMPL, "_", key, __FILE__, __LINE__);
  all->fallback(torch::CppFunction::makeFromBoxedFunction<&run_on_cpu>());
  auto* some = new torch::Library(torch::Library::IMPL, "aten", key, __FILE__, __LINE__);
  some->impl("empty.memory_format", TORCH_FN(empty));
  some->impl("empty_strided", TORCH_FN(empty_strided));
  some->impl("copy_", TORCH_FN(copy_));
  some->impl("_local_scalar_dense", TORCH_FN(local_scalar_dense));
  some->impl("convolution_overrideable", TORCH_FN(convolution));
  some->impl("convolution_backward_overrideable", TORCH_FN(convolution_backward));
}

} // namespace

extern "C" {

// Makes mps:0 the fake device, once. Returns null, or why this libtorch cannot have it.
const char* osee_fake_device_install() {
  static std::once_flag once;
  static std::string error;
  std::call_once(once, [] {
    try {
      install();
    } catch (const std::exception& caught) {
      error = caught.what();
    }
  });
  return error.empty() ? nullptr : error.c_str();
}

void osee_fake_device_reset() {
  for (auto* counter : {&operations, &copies_to_device, &copies_to_host, &scalar_reads}) {
    *counter = 0;
  }
  const std::lock_guard<std::mutex> locked(names_lock);
  names.clear();
}

// How often each operation was called since the last reset, as lines; valid until the next call.
const char* osee_fake_device_names() {
  const std::lock_guard<std::mutex> locked(names_lock);
  names_text.clear();
  for (const auto& [name, count] : names) {
    names_text += name + " " + std::to_string(count) + "\n";
  }
  return names_text.c_str();
}

int64_t osee_fake_device_operations() { return operations; }
int64_t osee_fake_device_copies_to_device() { return copies_to_device; }
int64_t osee_fake_device_copies_to_host() { return copies_to_host; }
int64_t osee_fake_device_scalar_reads() { return scalar_reads; }
}
