#include <algorithm>
#include <string_view>

#include "foreign/pickle/globals.h"
#include "foreign/pickle/renamed.h"

namespace zt::foreign::pickle {
namespace {

// clang-format off
// Modules of which every name counts as dangerous, their submodules included: they run programs or code, import modules,
// call what they are given, or reach files and the network.
constexpr std::string_view kModules =
    // programs and code
    "os posix nt sys subprocess _posixsubprocess commands popen2 pty runpy code codeop "
    "timeit cProfile profile pdb bdb trace doctest pydoc ctypes _ctypes cffi _cffi_backend "
    "multiprocessing concurrent asyncio sched signal atexit gc faulthandler distutils "
    "setuptools pip ensurepip venv idlelib lib2to3 turtledemo test.support _pyrepl _osx_support "
    "_aix_support antigravity webbrowser platform nturl2path cgi cgitb wsgiref unittest "
    // imports
    "importlib _frozen_importlib _frozen_importlib_external imp _imp pkgutil zipimport zipapp site "
    "modulefinder pkg_resources "
    // calls
    "operator _operator functools _functools "
    // other loaders
    "pickle _pickle cPickle pickletools marshal shelve dill cloudpickle jsonpickle "
    // files and the network
    "socket _socket ssl select shutil tempfile fileinput linecache glob mmap _pyio "
    "urllib urllib2 httplib http ftplib smtplib imaplib poplib nntplib telnetlib xmlrpc "
    "socketserver SocketServer requests aiohttp httpx urllib3 sqlite3 dbm zipfile tarfile "
    // of frameworks
    "torch.hub torch.package torch.multiprocessing torch.utils.cpp_extension torch.utils.model_zoo "
    "torch.utils.bottleneck torch.utils.collect_env torch.utils._config_module torch.utils.data.datapipes "
    "torch.distributed.rpc torch.distributed.elastic torch.distributed.run torch.distributed.launch torch._dynamo "
    "torch._inductor torch.fx.graph_module torch.fx.experimental torch.fx.interpreter torch._ops torch._classes torch.ops torch.classes "
    "torch.jit.unsupported_tensor_ops torch.jit._script torch.jit._serialization torch.testing "
    "torch.cuda.memory torch.onnx torch.export "
    "numpy.f2py numpy.distutils numpy.testing numpy.ctypeslib numpy.lib.npyio numpy.lib._npyio_impl "
    "numpy.lib._datasource numpy.core.memmap numpy._core.memmap ";

// A module and its dangerous names in each line. Names of Python 2 are renamed before.
constexpr std::string_view kNames[] = {
    // NOLINTNEXTLINE(bugprone-suspicious-missing-comma): the line of a module goes on in the next literal
    "builtins eval exec execfile compile open file getattr setattr delattr __import__ map filter apply reduce "
    "reload globals locals vars dir input raw_input breakpoint help exit quit",
    "io open open_code FileIO",
    "_io open open_code FileIO",
    "types FunctionType LambdaType CodeType MethodType ModuleType new_class prepare_class coroutine "
    "DynamicClassAttribute",
    "codecs open decode lookup getdecoder EncodedFile register",
    "_codecs decode lookup register",
    "copyreg add_extension pickle",
    "copy_reg add_extension pickle",
    "logging.config fileConfig dictConfig listen",
    "uuid _get_command_stdout",
    "getpass getpass",
    "inspect getattr_static",
    "weakref finalize",
    "threading Thread Timer",
    "_thread start_new_thread",
    "thread start_new_thread",
    "itertools starmap accumulate",
    "contextlib ExitStack",
    "torch load compile save from_file",
    "torch.serialization load _load _legacy_load",
    "torch.jit load script CompilationUnit",
    "torch.nn.modules.module Module.__getattr__",
    "numpy load loadtxt genfromtxt fromfile memmap DataSource vectorize frompyfunc apply_along_axis fromregex "
    "save savetxt savez",
    "joblib load",
    "joblib.numpy_pickle load ZNDArrayWrapper NDArrayWrapper",
    "joblib.numpy_pickle_compat ZNDArrayWrapper NDArrayWrapper",
    "pandas read_pickle",
    "pandas.io.pickle read_pickle",
    "tensorflow io.read_file",
    "keras.models load_model",
    "yaml load unsafe_load",
};
// clang-format on

// These modules have names that we know to be data. A name with a dot would lead from them to anything.
constexpr std::string_view kKnownPackages =
    "torch numpy collections builtins __builtin__ _codecs codecs joblib copyreg copy_reg ml_dtypes";

bool is_in(std::string_view module, std::string_view package) {
  return module.starts_with(package) && (module.size() == package.size() || module[package.size()] == '.');
}

// Whether `test` is true for a word of the list, which has spaces between its words.
template <class F>
bool any_word(std::string_view list, F&& test) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(' '), list.size());
    if (end != 0 && test(list.substr(0, end))) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

bool is_in_any(std::string_view module, std::string_view packages) {
  return any_word(packages, [&](std::string_view package) { return is_in(module, package); });
}

// Whether a name such as "os.system" or "f.__globals__" leads to something else than a nested class.
bool has_dangerous_path(std::string_view module, std::string_view name) {
  if (name.find('.') == std::string_view::npos) return false;
  if (is_in_any(module, kKnownPackages)) return true;
  while (!name.empty()) {
    const std::size_t end = std::min(name.find('.'), name.size());
    const std::string_view part = name.substr(0, end);
    if (part.starts_with("__") || is_in_any(part, kModules)) return true;
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return false;
}

// The risk of a name that Python imports as it stands.
bool is_danger(std::string_view module, std::string_view name) {
  if (is_in_any(module, kModules) || has_dangerous_path(module, name)) return true;
  return std::ranges::any_of(kNames, [&](std::string_view line) {
    const std::size_t end = line.find(' ');
    return line.substr(0, end) == module &&
           any_word(line.substr(end), [&](std::string_view listed) { return listed == name; });
  });
}

}  // namespace

Risk find_risk(std::string_view module, std::string_view name) {
  // The machine writes "?" for what the stream computes, or hides behind its length.
  if (module == "?" || name == "?" || is_danger(module, name)) return Risk::danger;
  // Only some protocols rename, and the protocol is what the stream says. So both names count.
  const Renamed renamed = find_renamed(module, name);
  if (!renamed.module.empty() && is_danger(renamed.module, renamed.name)) return Risk::danger;
  return find_meaning(module, name).known == Known::unknown ? Risk::unknown : Risk::inert;
}

}  // namespace zt::foreign::pickle
