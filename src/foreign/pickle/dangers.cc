#include <algorithm>
#include <string_view>

#include "foreign/pickle/globals.h"

namespace zt::foreign::pickle {
namespace {

// clang-format off
// Modules of which every name counts as dangerous, their submodules included: they run programs or code, import modules,
// call what they are given, or reach files and the network.
constexpr std::string_view kModules[] = {
    // programs and code
    "os", "posix", "nt", "sys", "subprocess", "_posixsubprocess", "commands", "popen2", "pty", "runpy", "code", "codeop",
    "timeit", "cProfile", "profile", "pdb", "bdb", "trace", "doctest", "pydoc", "ctypes", "_ctypes", "cffi", "_cffi_backend",
    "multiprocessing", "concurrent", "asyncio", "sched", "signal", "atexit", "gc", "faulthandler", "distutils",
    "setuptools", "pip", "ensurepip", "venv", "idlelib", "lib2to3", "turtledemo", "test.support", "_pyrepl", "_osx_support",
    "_aix_support", "antigravity", "webbrowser", "platform", "nturl2path", "cgi", "cgitb", "wsgiref", "unittest",
    // imports
    "importlib", "_frozen_importlib", "_frozen_importlib_external", "imp", "_imp", "pkgutil", "zipimport", "zipapp", "site",
    "modulefinder", "pkg_resources",
    // calls
    "operator", "_operator", "functools", "_functools",
    // other loaders
    "pickle", "_pickle", "cPickle", "pickletools", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle",
    // files and the network
    "socket", "_socket", "ssl", "select", "shutil", "tempfile", "fileinput", "linecache", "glob", "mmap", "_pyio",
    "urllib", "urllib2", "httplib", "http", "ftplib", "smtplib", "imaplib", "poplib", "nntplib", "telnetlib", "xmlrpc",
    "socketserver", "SocketServer", "requests", "aiohttp", "httpx", "urllib3", "sqlite3", "dbm", "zipfile", "tarfile",
    // of frameworks
    "torch.hub", "torch.package", "torch.multiprocessing", "torch.utils.cpp_extension", "torch.utils.model_zoo",
    "torch.utils.bottleneck", "torch.utils.collect_env", "torch.utils._config_module", "torch.utils.data.datapipes",
    "torch.distributed.rpc", "torch.distributed.elastic", "torch.distributed.run", "torch.distributed.launch", "torch._dynamo",
    "torch._inductor", "torch.fx.graph_module", "torch.fx.experimental", "torch.fx.interpreter", "torch._ops", "torch._classes", "torch.ops", "torch.classes",
    "torch.jit.unsupported_tensor_ops", "torch.jit._script", "torch.jit._serialization", "torch.testing",
    "torch.cuda.memory", "torch.onnx", "torch.export",
    "numpy.f2py", "numpy.distutils", "numpy.testing", "numpy.ctypeslib", "numpy.lib.npyio", "numpy.lib._npyio_impl",
    "numpy.lib._datasource", "numpy.core.memmap", "numpy._core.memmap",
};

struct Pair {
  std::string_view module;
  std::string_view name;
};

// "builtins" stands for "__builtin__", too.
constexpr Pair kPairs[] = {
    {"builtins", "eval"}, {"builtins", "exec"}, {"builtins", "execfile"}, {"builtins", "compile"}, {"builtins", "open"},
    {"builtins", "file"}, {"builtins", "getattr"}, {"builtins", "setattr"}, {"builtins", "delattr"},
    {"builtins", "__import__"}, {"builtins", "map"}, {"builtins", "filter"}, {"builtins", "apply"},
    {"builtins", "reduce"}, {"builtins", "reload"}, {"builtins", "globals"}, {"builtins", "locals"},
    {"builtins", "vars"}, {"builtins", "dir"}, {"builtins", "input"}, {"builtins", "raw_input"},
    {"builtins", "breakpoint"}, {"builtins", "help"}, {"builtins", "exit"}, {"builtins", "quit"},
    {"io", "open"}, {"io", "open_code"}, {"io", "FileIO"}, {"_io", "open"}, {"_io", "open_code"}, {"_io", "FileIO"},
    {"types", "FunctionType"}, {"types", "LambdaType"}, {"types", "CodeType"}, {"types", "MethodType"},
    {"types", "ModuleType"}, {"types", "new_class"}, {"types", "prepare_class"}, {"types", "coroutine"},
    {"types", "DynamicClassAttribute"},
    {"codecs", "open"}, {"codecs", "decode"}, {"codecs", "lookup"}, {"codecs", "getdecoder"}, {"codecs", "EncodedFile"},
    {"codecs", "register"}, {"_codecs", "decode"}, {"_codecs", "lookup"}, {"_codecs", "register"},
    {"copyreg", "add_extension"}, {"copyreg", "pickle"}, {"copy_reg", "add_extension"}, {"copy_reg", "pickle"},
    {"logging.config", "fileConfig"}, {"logging.config", "dictConfig"}, {"logging.config", "listen"},
    {"uuid", "_get_command_stdout"}, {"getpass", "getpass"}, {"inspect", "getattr_static"}, {"weakref", "finalize"},
    {"threading", "Thread"}, {"threading", "Timer"}, {"_thread", "start_new_thread"}, {"thread", "start_new_thread"},
    {"itertools", "starmap"}, {"itertools", "accumulate"}, {"contextlib", "ExitStack"},
    {"torch", "load"}, {"torch", "compile"}, {"torch.serialization", "load"}, {"torch.serialization", "_load"},
    {"torch.serialization", "_legacy_load"}, {"torch.jit", "load"}, {"torch.jit", "script"}, {"torch.jit", "CompilationUnit"},
    {"torch.nn.modules.module", "Module.__getattr__"}, {"torch", "save"}, {"torch", "from_file"},
    {"numpy", "load"}, {"numpy", "loadtxt"}, {"numpy", "genfromtxt"}, {"numpy", "fromfile"}, {"numpy", "memmap"},
    {"numpy", "DataSource"}, {"numpy", "vectorize"}, {"numpy", "frompyfunc"}, {"numpy", "apply_along_axis"},
    {"numpy", "fromregex"}, {"numpy", "save"}, {"numpy", "savetxt"}, {"numpy", "savez"},
    {"joblib", "load"}, {"joblib.numpy_pickle", "load"}, {"joblib.numpy_pickle_compat", "ZNDArrayWrapper"},
    {"joblib.numpy_pickle_compat", "NDArrayWrapper"}, {"pandas", "read_pickle"}, {"pandas.io.pickle", "read_pickle"},
    {"tensorflow", "io.read_file"}, {"keras.models", "load_model"}, {"yaml", "load"}, {"yaml", "unsafe_load"},
};
// clang-format on

// These modules have names that we know to be data. A name with a dot would lead from them to anything.
constexpr std::string_view kKnownPackages[] = {"torch",  "numpy",  "collections", "builtins", "__builtin__", "_codecs",
                                               "codecs", "joblib", "copyreg",     "copy_reg", "ml_dtypes"};

bool is_in(std::string_view module, std::string_view package) {
  return module.starts_with(package) && (module.size() == package.size() || module[package.size()] == '.');
}

bool is_dangerous_module(std::string_view module) {
  return std::ranges::any_of(kModules, [&](std::string_view package) { return is_in(module, package); });
}

// Whether a name such as "os.system" or "f.__globals__" leads to something else than a nested class.
bool has_dangerous_path(std::string_view module, std::string_view name) {
  if (name.find('.') == std::string_view::npos) return false;
  if (std::ranges::any_of(kKnownPackages, [&](std::string_view package) { return is_in(module, package); }))
    return true;
  while (!name.empty()) {
    const std::size_t end = std::min(name.find('.'), name.size());
    const std::string_view part = name.substr(0, end);
    if (part.starts_with("__") || is_dangerous_module(part)) return true;
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return false;
}

}  // namespace

Risk find_risk(std::string_view module, std::string_view name) {
  // The machine writes "?" for what the stream computes, or hides behind its length.
  if (module == "?" || name == "?") return Risk::danger;
  if (is_dangerous_module(module) || has_dangerous_path(module, name)) return Risk::danger;
  const std::string_view spelled = module == "__builtin__" ? "builtins" : module;
  const bool is_pair =
      std::ranges::any_of(kPairs, [&](const Pair& pair) { return pair.module == spelled && pair.name == name; });
  if (is_pair) return Risk::danger;
  return find_meaning(module, name).known == Known::unknown ? Risk::unknown : Risk::inert;
}

}  // namespace zt::foreign::pickle
