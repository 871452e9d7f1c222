"""From a Query to a Selection: what files and arguments name."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from minik8s.errors import ApiError, BadRequest, NotFound
from minik8s.kubectl.failures import Failure, raise_all, with_message
from minik8s.kubectl.files import Source, sources
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.resources import expand_categories, kind_named, kind_of_manifest
from minik8s.kubectl.selection import (
    Query,
    Selection,
    Target,
    get,
    in_namespace,
    list_parameters,
)
from minik8s.model.metadata import Document, labels_of, name_of, namespace_of
from minik8s.model.registry import Kind
from minik8s.model.selectors import SelectorError, parse_selector

MISSING = (
    "You must provide one or more resources by argument or filename.\n"
    "Example resource specifications include:\n"
    "   '-f rsrc.yaml'\n"
    "   '--filename=rsrc.json'\n"
    "   '<resource> <name>'\n"
    "   '<resource>'"
)


def select(query: Query, *streams: Source) -> Selection:
    """Find the targets; raises what is wrong with the command line.

    `streams` are read in the place of what `-f` names.
    """
    return _Builder(query, list(streams)).select()


class _Builder:
    """From a Query to a Selection."""

    def __init__(self, query: Query, streams: list[Source]) -> None:
        self.query = query
        self.errors: list[Exception] = []
        self.types: list[str] = []
        self.names: list[str] = []
        self.pairs: list[tuple[str, str]] = []
        self.selects = False
        self.files = streams

    def select(self) -> Selection:
        query = self.query
        if query.files and not self.files:
            for found in sources(query.call, validate=query.validate):
                if isinstance(found, Source):
                    self.files.append(found)
                else:
                    self.errors.append(found)
        self._selectors()
        self._arguments()
        raise_all(self.errors)
        if self.files:
            return self._by_files()
        if self.selects:
            return self._by_selector()
        if self.pairs:
            return self._by_pairs()
        if self.names:
            return self._by_names()
        if self.types:
            for name in self.types:
                kind_named(query.call.client, name)
            raise Failure("resource(s) were provided, but no name was specified")
        raise Failure(MISSING)

    def _selectors(self) -> None:
        query = self.query
        self.selects = bool(query.labels.strip() or query.fields.strip() or query.everything)
        if query.everything and (query.labels.strip() or query.fields.strip()):
            self.errors.append(Failure("setting 'all' parameter but found a non empty selector. "))

    def _arguments(self) -> None:
        arguments = _normalized(list(self.query.arguments))
        slashes = sum("/" in argument for argument in arguments)
        if slashes and slashes != len(arguments):
            self.errors.append(
                Failure(
                    "there is no need to specify a resource type as a separate argument when "
                    "passing arguments in resource/name form (e.g. 'kubectl get "
                    "resource/<resource_name>' instead of 'kubectl get resource "
                    "resource/<resource_name>'"
                )
            )
        elif slashes:
            self._add_pairs(arguments)
        elif arguments:
            client = self.query.call.client
            self.types = list(dict.fromkeys(expand_categories(client, arguments[0]).split(",")))
            self.names = arguments[1:]
            self.selects = self.selects or (self.query.empty_selector and not self.names)

    def _add_pairs(self, arguments: list[str]) -> None:
        for argument in arguments:
            parts = argument.split("/")
            if len(parts) != 2:
                self.errors.append(
                    Failure("arguments in resource/name form may not have more than one slash")
                )
                return
            if not all(parts) or "," in parts[0]:
                self.errors.append(
                    Failure("arguments in resource/name form must have a single resource and name")
                )
                return
            self.pairs.append((parts[0], parts[1]))

    # -- the four ways to name objects

    def _by_files(self) -> Selection:
        if self.types:
            if self.names:
                raise Failure("name cannot be provided when a path is specified")
            raise Failure(
                "when paths, URLs, or stdin is provided as input, you may not specify resource "
                "arguments as well"
            )
        if self.pairs:
            raise Failure("resource/name arguments cannot be provided when a path is specified")
        query = self.query
        if query.labels.strip():
            try:
                parse_selector(query.labels)
            except SelectorError as error:
                raise Failure(
                    f"the provided selector {quote(query.labels)} is not valid: {error}"
                ) from None
        one = len(self.files) == 1 and self.files[0].path != "-"
        return Selection(query, [self._file(source) for source in self.files], single=one)

    def _file(self, source: Source) -> Callable[[], Iterator[Target | Exception]]:
        def read() -> Iterator[Target | Exception]:
            for found in source.read(self.query.call):
                if isinstance(found, Failure):
                    yield found
                    continue
                flat = _items(found) if self.query.flatten else [found]
                for document in flat:
                    yield from self._from_file(document, source.name, listed=document is not found)

        return read

    def _from_file(
        self, document: Document, source: str, *, listed: bool
    ) -> Iterator[Target | Exception]:
        query = self.query
        if query.labels.strip() and not parse_selector(query.labels).matches(labels_of(document)):
            return
        try:
            target = self._target(document, source, listed)
            if query.latest and target.name:
                target = in_namespace(query, target)
                target.object = get(query, target)
            yield target
        except (Failure, ApiError) as error:
            yield error

    def _target(self, document: Document, source: str, listed: bool) -> Target:
        api_version = str(document.get("apiVersion") or "")
        name, namespace = name_of(document), namespace_of(document)
        word = str(document.get("kind", ""))
        if self.query.local:
            return Target(_unknown_kind(api_version, word), namespace, name, document, source)
        kind = kind_of_manifest(self.query.call.client, api_version, word)
        if kind is not None:
            return Target(kind, namespace, name, document, source)
        no_match = f"no matches for kind {quote(word)} in version {quote(api_version)}"
        if listed:
            raise Failure(f"unable to recognize {no_match}")
        raise Failure(
            f"resource mapping not found for name: {quote(name)} namespace: {quote(namespace)} "
            f"from {quote(source)}: {no_match}\nensure CRDs are installed first"
        )

    def _by_selector(self) -> Selection:
        if self.names:
            raise Failure("name cannot be provided when a selector is specified")
        if self.pairs:
            raise Failure(
                "selectors and the all flag cannot be used when passing resource/name arguments"
            )
        if not self.types:
            raise Failure("at least one resource must be specified to use a selector")
        if self.query.subresource:
            raise Failure("subresource cannot be used when bulk resources are specified")
        kinds = self._kinds(self.types)
        namespace = "" if self.query.all_namespaces else self.query.namespace
        first = (kinds[0], namespace) if len(kinds) == 1 else None
        return Selection(
            self.query,
            [self._list(kind, namespace) for kind in kinds],
            kinds=kinds,
            watchable=first,
        )

    def _kinds(self, names: list[str]) -> list[Kind]:
        if self.query.one_type and len(names) > 1:
            raise Failure("you may only specify a single resource type")
        client = self.query.call.client
        return list(dict.fromkeys(kind_named(client, name) for name in names))

    def _list(self, kind: Kind, namespace: str) -> Callable[[], Iterator[Target | Exception]]:
        query = self.query
        parameters = list_parameters(query)
        place = namespace if kind.namespaced else ""

        def read() -> Iterator[Target | Exception]:
            after = ""
            while True:
                asked = {**parameters, "continue": after} if after else parameters
                document = _page(query, kind, place, asked)
                yield from _listed(kind, place, document, flatten=query.flatten)
                after = document.get("metadata", {}).get("continue", "")
                if not after:
                    return

        return read

    def _by_pairs(self) -> Selection:
        if self.types:
            raise Failure(
                "you may not specify individual resources and bulk resources in the same call"
            )
        kinds = {name: kind_named(self.query.call.client, name) for name, _ in self.pairs}
        if self.query.one_type and len(set(kinds.values())) > 1:
            raise Failure("you may only specify a single resource type")
        return self._named([(kinds[typed], name) for typed, name in self.pairs])

    def _by_names(self) -> Selection:
        if len(self.types) > 1:
            raise Failure("you must specify only one resource")
        (kind,) = self._kinds(self.types)
        return self._named([(kind, name) for name in self.names])

    def _named(self, pairs: list[tuple[Kind, str]]) -> Selection:
        query = self.query
        if any(kind.namespaced for kind, _ in pairs) and query.all_namespaces:
            raise Failure("a resource cannot be retrieved by name across all namespaces")
        targets = [
            Target(kind, query.namespace if kind.namespaced else "", name) for kind, name in pairs
        ]

        def one(target: Target) -> Callable[[], Iterator[Target | Exception]]:
            return lambda: iter([target])

        return Selection(
            query,
            [one(target) for target in targets],
            single=len(targets) == 1,
            kinds=list(dict.fromkeys(kind for kind, _ in pairs)),
        )


def _page(query: Query, kind: Kind, namespace: str, asked: dict[str, str]) -> Document:
    client = query.call.client
    try:
        if query.table:
            return client.table(kind, namespace, query=asked)
        return client.list(kind, namespace, query=asked)
    except (BadRequest, NotFound) as error:
        resource = quote(f"{kind.group}/{kind.version}, Resource={kind.plural}")
        message = f"Unable to list {resource}: {error.message}"
        if query.labels.strip() or query.fields.strip():
            message = (
                f"Unable to find {resource} that match label selector {quote(query.labels)}, "
                f"field selector {quote(query.fields)}: {error.message}"
            )
        raise with_message(error, message) from None


def _listed(kind: Kind, namespace: str, document: Document, *, flatten: bool) -> Iterator[Target]:
    if not flatten or "items" not in document:
        yield Target(kind, namespace, "", document)
        return
    for item in document["items"] or ():
        if "kind" not in item:
            item = {"apiVersion": kind.api_version, "kind": kind.kind, **item}
        yield Target(kind, namespace_of(item), name_of(item), item)


def _items(document: Document) -> list[Document]:
    """The objects of a list, of lists in it too; an object alone."""
    if not isinstance(document.get("items"), list):
        return [document]
    return [leaf for item in document["items"] for leaf in _items(item)]


def _unknown_kind(api_version: str, word: str) -> Kind:
    group, _, version = api_version.rpartition("/")
    return Kind(group, version, word, word.lower())


def _normalized(arguments: list[str]) -> list[str]:
    """`a,b x y` as `a/x a/y b/x b/y`."""
    if len(arguments) < 2:
        return arguments
    types = list(dict.fromkeys(arguments[0].split(",")))
    if len(types) < 2:
        return arguments
    return [f"{kind}/{name}" for kind in types for name in arguments[1:]]
